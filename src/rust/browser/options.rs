//! Reads the options into what the engine takes: every URL absolute, every default filled in.

use std::time::Duration;

use web_sys::{Headers, Url};

use super::{
    globals,
    wire::{Refresh, Wire},
};
use crate::{
    core::{Address, Endpoint, Policy, Scope},
    rust::{ClientBuilder, Error, builder::Csrf},
};

/// Longer than that, and a browser's timer rings at once.
const LONGEST_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

/// The name of the session, which is where the refresh URL points, what decisions go by, and the ways out.
pub(super) fn read(options: ClientBuilder) -> Result<(String, Policy, Wire), Error> {
    let home = globals::origin();
    let refresh = read_url("refresh", &options.refresh)?;
    let prefix = |name, url: &String| {
        let url = read_url(name, url)?;
        let scheme = refresh.protocol();
        expect(
            url.protocol() == scheme,
            name,
            &format!("URLs with the scheme of the refresh URL, {scheme}"),
        )?;
        expect(
            url.search().is_empty() && url.hash().is_empty(),
            name,
            "prefixes without a query or a fragment",
        )?;
        Ok(address_of(&url))
    };
    let endpoint = |name, url: &String| {
        Ok(Endpoint {
            address: address_of(&read_url(name, url)?),
            method: None,
        })
    };
    let endpoints = |name, url: Option<&String>| {
        url.map(|url| endpoint(name, url))
            .into_iter()
            .collect::<Result<_, _>>()
    };

    let guard = options.guard.unwrap_or_else(|| vec![refresh.origin()]);
    expect(
        !guard.is_empty(),
        "guard",
        "a list of URL prefixes that is not empty",
    )?;
    let statuses = &options.expired_statuses;
    expect(
        !statuses.is_empty() && statuses.iter().all(|status| (400..600).contains(status)),
        "expired_statuses",
        "a list of statuses between 400 and 599",
    )?;
    expect(
        !options.timeout.is_zero() && options.timeout <= LONGEST_TIMEOUT,
        "timeout",
        "a time above 0, and below 25 days",
    )?;
    expect_method(&options.refresh_method)?;
    expect_csrf(options.csrf.as_ref())?;

    let scope = Scope {
        refresh: address_of(&refresh),
        guard: collect(&guard, |url| prefix("guard", url))?,
        exclude: collect(&options.exclude, |url| prefix("exclude", url))?,
        sign_in: endpoints("sign_in", options.sign_in.as_ref())?,
        sign_out: endpoints("sign_out", options.sign_out.as_ref())?,
        home: Address(home.clone().into_bytes()),
    };
    let policy = Policy {
        expired_statuses: options.expired_statuses,
        timeout: options.timeout.as_secs_f64() * 1_000.0,
        cross_tab: options.cross_tab,
        learn: options.learn,
    };
    let at_home = refresh.origin() == home;
    let wire = Wire {
        scope,
        fetch: options.fetch,
        csrf: options.csrf,
        refresh: Refresh {
            url: refresh.href(),
            method: options.refresh_method.to_ascii_uppercase(),
            headers: read_headers(&options.refresh_headers)?,
            at_home,
            idempotency_key: options.idempotency_key || at_home,
            timeout: options.timeout.as_secs_f64() * 1_000.0,
        },
    };
    let name = refresh.origin() + &refresh.pathname();
    Ok((name, policy, wire))
}

/// Where a URL lies.
pub(super) fn address_of(url: &Url) -> Address {
    Address((url.origin() + &url.pathname()).into_bytes())
}

fn collect<T>(
    urls: &[String],
    read: impl Fn(&String) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    urls.iter().map(read).collect()
}

fn read_url(name: &str, value: &str) -> Result<Url, Error> {
    expect(!value.is_empty(), name, "a URL")?;
    let url = match globals::base() {
        Some(base) => Url::new_with_base(value, &base),
        None => Url::new(value),
    };
    let Ok(url) = url else {
        return invalid(&format!(
            "option `{name}`: expected a URL, and {value:?} does not parse as one here"
        ));
    };
    expect(
        ["http:", "https:"].contains(&url.protocol().as_str()),
        name,
        "a URL with the scheme http or https",
    )?;
    expect(
        url.username().is_empty() && url.password().is_empty(),
        name,
        "a URL without user name and password",
    )?;
    Ok(url)
}

fn read_headers(pairs: &[(String, String)]) -> Result<Headers, Error> {
    let set = || {
        let headers = Headers::new()?;
        for (name, value) in pairs {
            headers.append(name, value)?;
        }
        Ok(headers)
    };
    set().or_else(|_: wasm_bindgen::JsValue| {
        invalid("option `refresh_header`: expected a name and a value that a header can have")
    })
}

fn expect_method(method: &str) -> Result<(), Error> {
    let name = "refresh_method";
    let is_word = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    expect(is_word, name, "a method like \"POST\"")?;
    let is_safe = ["GET", "HEAD"]
        .iter()
        .any(|safe| method.eq_ignore_ascii_case(safe));
    expect(
        !is_safe,
        name,
        "a method that may change something, like POST",
    )
}

fn expect_csrf(csrf: Option<&Csrf>) -> Result<(), Error> {
    let (header, value, other) = match csrf {
        Some(Csrf::Header { header, value }) => (header, value.as_str(), value),
        Some(Csrf::Cookie { header, cookie }) => (header, "", cookie),
        None => return Ok(()),
    };
    let fits =
        !other.is_empty() && Headers::new().is_ok_and(|headers| headers.set(header, value).is_ok());
    expect(fits, "csrf", "a name and a value that a header can have")
}

fn expect(met: bool, name: &str, expected: &str) -> Result<(), Error> {
    if met {
        return Ok(());
    }
    invalid(&format!("option `{name}`: expected {expected}"))
}

fn invalid<T>(message: &str) -> Result<T, Error> {
    Err(Error::InvalidOptions(message.to_owned()))
}

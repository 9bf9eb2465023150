//! Reads the options into what the engine takes: every URL absolute, every default filled in.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use web_sys::{Headers, Url};

use super::{
    globals,
    wire::{Refresh, Wire},
};
use crate::{
    core::{Address, Endpoint, Policy, Scope, is_read},
    rust::{ClientBuilder, Csrf, Error, builder::EndpointOption, csrf::CsrfValue},
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
    let endpoint = |name: &str, it: &EndpointOption| {
        if let Some(method) = &it.method {
            expect_method(&format!("{name}_by"), method)?;
        }
        Ok(Endpoint {
            address: address_of(&read_url(name, &it.url)?),
            method: it.method.as_ref().map(|it| it.to_ascii_uppercase()),
        })
    };
    let endpoints = |name, all: &[EndpointOption]| {
        all.iter()
            .map(|it| endpoint(name, it))
            .collect::<Result<Vec<_>, Error>>()
    };

    let guard = options.guard.unwrap_or_else(|| vec![refresh.origin()]);
    expect(
        !guard.is_empty(),
        "guard",
        "a list of URL prefixes that is not empty",
    )?;
    expect(
        options.expired_statuses.is_none() || options.is_expired.is_none(),
        "is_expired",
        "to be given in place of expired_statuses, not beside it",
    )?;
    let statuses = options.expired_statuses.unwrap_or_else(|| vec![401]);
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
    expect_method("refresh_method", &options.refresh_method)?;
    expect(
        options.refresh_body.is_none() || !is_read(&options.refresh_method),
        "refresh_body",
        &format!("none, since a {} carries none", options.refresh_method),
    )?;
    expect_csrf("csrf", options.csrf.as_ref())?;
    expect_csrf("refresh_csrf", options.refresh_csrf.as_ref())?;
    expect(
        options.name.as_ref().is_none_or(|name| !name.is_empty()),
        "name",
        "a string that is not empty",
    )?;

    let scope = Scope {
        refresh: address_of(&refresh),
        guard: collect(&guard, |url| prefix("guard", url))?,
        exclude: collect(&options.exclude, |url| prefix("exclude", url))?,
        sign_in: endpoints("sign_in", &options.sign_in)?,
        sign_out: endpoints("sign_out", &options.sign_out)?,
        home: Address(home.clone().into_bytes()),
    };
    let policy = Policy {
        expired_statuses: statuses,
        timeout: options.timeout.as_secs_f64() * 1_000.0,
        cross_tab: options.cross_tab,
        learn: options.learn,
    };
    let at_home = refresh.origin() == home;
    let wire = Wire {
        scope,
        fetch: options.fetch,
        native: RefCell::default(),
        sending: Cell::default(),
        is_expired: options.is_expired,
        interpret: options.interpret,
        trace: options.trace,
        refresh: Refresh {
            url: refresh.href(),
            method: options.refresh_method.to_ascii_uppercase(),
            headers: read_headers(&options.refresh_headers)?,
            body: options.refresh_body,
            csrf: options.refresh_csrf.or_else(|| options.csrf.clone()),
            at_home,
            idempotency_key: options.idempotency_key || at_home,
            timeout: options.timeout.as_secs_f64() * 1_000.0,
        },
        csrf: options.csrf,
    };
    let name = options
        .name
        .unwrap_or_else(|| refresh.origin() + &refresh.pathname());
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

/// RFC 9110, section 9.1; those that fetch refuses are left out.
fn expect_method(name: &str, method: &str) -> Result<(), Error> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_word = !method.is_empty() && method.bytes().all(is_token);
    let is_refused = ["CONNECT", "TRACE", "TRACK"]
        .iter()
        .any(|it| method.eq_ignore_ascii_case(it));
    expect(is_word && !is_refused, name, "a method like \"POST\"")
}

fn expect_csrf(name: &str, csrf: Option<&Csrf>) -> Result<(), Error> {
    let Some(Csrf { header, value, .. }) = csrf else {
        return Ok(());
    };
    let (held, is_there) = match value {
        CsrfValue::Fixed(value) => (value.as_str(), !value.is_empty()),
        CsrfValue::Cookie(cookie) => ("", !cookie.is_empty()),
        CsrfValue::Function(_) => ("", true),
    };
    let fits = is_there && Headers::new().is_ok_and(|headers| headers.set(header, held).is_ok());
    expect(fits, name, "a name and a value that a header can have")
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

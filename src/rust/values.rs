//! Between Rust's types and JavaScript's values.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use wasm_bindgen::JsValue;

use super::{ClientBuilder, Csrf, Error, Event, State, builder::EndpointOption};

/// The options of the npm package, but for those that only JavaScript can have: functions, and objects of a class.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    refresh: Refresh,
    guard: Option<Vec<String>>,
    #[serde(default)]
    exclude: Vec<String>,
    sign_in: Option<Endpoints>,
    sign_out: Option<Endpoints>,
    expired_statuses: Option<Vec<u16>>,
    csrf: Option<CsrfOption>,
    /// In milliseconds.
    timeout: Option<f64>,
    cross_tab: Option<bool>,
    learn: Option<bool>,
    name: Option<String>,
    /// Caught, because serde-wasm-bindgen looks for the fields of a struct only, and a misspelt option is no option.
    #[serde(flatten)]
    unknown: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Refresh {
    Url(String),
    #[serde(rename_all = "camelCase")]
    Request {
        url: String,
        method: Option<String>,
        #[serde(default)]
        headers: HashMap<String, String>,
        #[serde(default)]
        idempotency_key: bool,
        body: Option<String>,
        csrf: Option<CsrfOption>,
    },
}

/// One, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Endpoints {
    One(Endpoint),
    Several(Vec<Endpoint>),
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Endpoint {
    Url(String),
    Request { url: String, method: Option<String> },
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum CsrfOption {
    Header {
        header: String,
        value: String,
        #[serde(default)]
        all: bool,
    },
    Cookie {
        header: String,
        cookie: String,
        #[serde(default)]
        all: bool,
    },
}

impl From<CsrfOption> for Csrf {
    fn from(option: CsrfOption) -> Self {
        match option {
            CsrfOption::Header { header, value, all } => Self::header(header, value).all(all),
            CsrfOption::Cookie {
                header,
                cookie,
                all,
            } => Self::cookie(header, cookie).all(all),
        }
    }
}

impl Endpoints {
    fn into_options(self) -> Vec<EndpointOption> {
        let all = match self {
            Self::One(endpoint) => vec![endpoint],
            Self::Several(endpoints) => endpoints,
        };
        let read = |endpoint| match endpoint {
            Endpoint::Url(url) => EndpointOption::new(url, None),
            Endpoint::Request { url, method } => EndpointOption::new(url, method),
        };
        all.into_iter().map(read).collect()
    }
}

impl ClientBuilder {
    /// Takes over options as the npm package knows them: `{ refresh: "/auth/refresh", timeout: 5000 }`. URLs have to
    /// be strings, headers a plain object; the fetch to use goes to [`ClientBuilder::fetch`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOptions`], saying what does not fit.
    ///
    /// ```no_run
    /// # fn run(options: wasm_bindgen::JsValue) -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::ClientBuilder::from_js(options)?.build()?;
    /// # Ok(()) }
    /// ```
    pub fn from_js(options: JsValue) -> Result<Self, Error> {
        let options: Options = serde_wasm_bindgen::from_value(options)
            .map_err(|error| Error::InvalidOptions(format!("options: {error}")))?;
        if let Some(name) = options.unknown.keys().next() {
            let message = format!("unknown option `{name}`");
            return Err(Error::InvalidOptions(message));
        }
        let mut builder = match options.refresh {
            Refresh::Url(url) => Self::new(url),
            Refresh::Request {
                url,
                method,
                headers,
                idempotency_key,
                body,
                csrf,
            } => Self {
                refresh_body: body,
                refresh_csrf: csrf.map(Into::into),
                refresh_method: method.unwrap_or_else(|| "POST".to_owned()),
                refresh_headers: headers.into_iter().collect(),
                idempotency_key,
                ..Self::new(url)
            },
        };
        builder.guard = options.guard;
        builder.exclude = options.exclude;
        builder.sign_in = options
            .sign_in
            .map_or_else(Vec::new, Endpoints::into_options);
        builder.sign_out = options
            .sign_out
            .map_or_else(Vec::new, Endpoints::into_options);
        builder.csrf = options.csrf.map(Into::into);
        builder.expired_statuses = options.expired_statuses;
        builder.name = options.name;
        if let Some(yes) = options.learn {
            builder.learn = yes;
        }
        if let Some(yes) = options.cross_tab {
            builder.cross_tab = yes;
        }
        if let Some(milliseconds) = options.timeout {
            // One that can be no time is refused with the others that are none.
            builder.timeout =
                Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or_default();
        }
        Ok(builder)
    }
}

impl Event {
    /// As JavaScript has it: `{ kind: "refreshed", cause: "unauthorized", by: "client" }`.
    ///
    /// ```no_run
    /// # fn run(event: keepfresh::Event) {
    /// let value = event.to_js();
    /// # }
    /// ```
    pub fn to_js(&self) -> JsValue {
        to_js(self)
    }
}

impl State {
    /// As JavaScript has it: `"active"`.
    ///
    /// ```no_run
    /// # fn run(client: keepfresh::Client) {
    /// let value = client.state().to_js();
    /// # }
    /// ```
    pub fn to_js(&self) -> JsValue {
        to_js(self)
    }
}

fn to_js(value: &impl Serialize) -> JsValue {
    // Names are all there is to them, and names cannot fail.
    serde_wasm_bindgen::to_value(value).unwrap_or_default()
}

use std::{fmt, time::Duration};

use super::{Client, Error};

/// The options of a [`Client`], under the names that they have in JavaScript, in Rust's manner.
///
/// URLs may be relative to the page. Nothing is checked before [`ClientBuilder::build`].
///
/// ```
/// # use std::time::Duration;
/// # fn run() -> Result<(), keepfresh::Error> {
/// let client = keepfresh::Client::builder("/auth/refresh")
///     .guard(["/api"])
///     .exclude(["/api/public"])
///     .sign_in("/auth/sign-in")
///     .sign_out("/auth/sign-out")
///     .csrf_cookie("x-csrf-token", "csrf")
///     .timeout(Duration::from_secs(5))
///     .build()?;
/// # Ok(()) }
/// # run().unwrap();
/// ```
#[derive(Clone)]
#[must_use]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "a browser is what reads it")
)]
pub struct ClientBuilder {
    pub(super) refresh: String,
    pub(super) refresh_method: String,
    pub(super) refresh_headers: Vec<(String, String)>,
    pub(super) idempotency_key: bool,
    pub(super) guard: Option<Vec<String>>,
    pub(super) exclude: Vec<String>,
    pub(super) sign_in: Option<String>,
    pub(super) sign_out: Option<String>,
    pub(super) expired_statuses: Vec<u16>,
    pub(super) csrf: Option<Csrf>,
    pub(super) timeout: Duration,
    pub(super) cross_tab: bool,
    pub(super) learn: bool,
    #[cfg(target_arch = "wasm32")]
    pub(super) fetch: Option<js_sys::Function>,
}

/// A header that proves where a request comes from.
#[derive(Clone)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "a browser is what reads it")
)]
pub(super) enum Csrf {
    Header { header: String, value: String },
    Cookie { header: String, cookie: String },
}

impl ClientBuilder {
    pub(super) fn new(refresh: String) -> Self {
        Self {
            refresh,
            refresh_method: "POST".to_owned(),
            refresh_headers: Vec::new(),
            idempotency_key: false,
            guard: None,
            exclude: Vec::new(),
            sign_in: None,
            sign_out: None,
            expired_statuses: vec![401],
            csrf: None,
            timeout: Duration::from_secs(10),
            cross_tab: true,
            learn: true,
            #[cfg(target_arch = "wasm32")]
            fetch: None,
        }
    }

    /// The method of the refresh. Default `POST`; not `GET` or `HEAD`, which may change nothing (RFC 9110 section
    /// 9.2.1).
    pub fn refresh_method(mut self, method: impl Into<String>) -> Self {
        self.refresh_method = method.into();
        self
    }

    /// A header to send with the refresh, besides those that were given before.
    pub fn refresh_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.refresh_headers.push((name.into(), value.into()));
        self
    }

    /// Sends an `Idempotency-Key` with a refresh to another origin too, where CORS has to allow it. To the page's own
    /// origin it is always sent.
    pub fn idempotency_key(mut self, yes: bool) -> Self {
        self.idempotency_key = yes;
        self
    }

    /// What is guarded: URL prefixes, compared by origin and whole path segments, with the scheme of the refresh URL.
    /// Default: everything on the refresh endpoint's origin.
    pub fn guard<S: Into<String>>(mut self, prefixes: impl IntoIterator<Item = S>) -> Self {
        self.guard = Some(prefixes.into_iter().map(Into::into).collect());
        self
    }

    /// Never guarded, though `guard` covers it. The refresh URL, `sign_in` and `sign_out` always are excluded.
    pub fn exclude<S: Into<String>>(mut self, prefixes: impl IntoIterator<Item = S>) -> Self {
        self.exclude = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// A 2xx from this URL starts a session.
    pub fn sign_in(mut self, url: impl Into<String>) -> Self {
        self.sign_in = Some(url.into());
        self
    }

    /// A request to this URL ends the session. It waits for the refresh under way, if there is one.
    pub fn sign_out(mut self, url: impl Into<String>) -> Self {
        self.sign_out = Some(url.into());
        self
    }

    /// Statuses that mean "the access token has expired", each between 400 and 599. Default 401.
    pub fn expired_statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.expired_statuses = statuses.into_iter().collect();
        self
    }

    /// Adds this header to guarded requests with an unsafe method and to the refresh.
    pub fn csrf_header(mut self, header: impl Into<String>, value: impl Into<String>) -> Self {
        self.csrf = Some(Csrf::Header {
            header: header.into(),
            value: value.into(),
        });
        self
    }

    /// Adds this header to guarded requests with an unsafe method and to the refresh; its value is that of a cookie
    /// that scripts may read, if it is there.
    pub fn csrf_cookie(mut self, header: impl Into<String>, cookie: impl Into<String>) -> Self {
        self.csrf = Some(Csrf::Cookie {
            header: header.into(),
            cookie: cookie.into(),
        });
        self
    }

    /// How long waiting and refreshing may take together for one call. Default 10 s; above 0, and below 25 days.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Coordinates with other tabs, workers and bundles of the same origin and the same refresh URL. Default true.
    pub fn cross_tab(mut self, yes: bool) -> Self {
        self.cross_tab = yes;
        self
    }

    /// Learns the access token's lifetime where the server announces none, from two expiries in a row that were met at ages
    /// that agree. Default true.
    pub fn learn(mut self, yes: bool) -> Self {
        self.learn = yes;
        self
    }

    /// The fetch to use: a JavaScript function that takes and returns what `fetch` does. Default: `globalThis.fetch`,
    /// looked up at each call.
    #[cfg(target_arch = "wasm32")]
    pub fn fetch(mut self, fetch: js_sys::Function) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOptions`], naming the option and what is expected of it. Without a browser nothing can tell
    /// what a URL is, so nothing is checked there.
    pub fn build(self) -> Result<Client, Error> {
        Client::of(self)
    }
}

/// The refresh URL alone: headers may hold what nobody else is to read.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("refresh", &self.refresh)
            .finish_non_exhaustive()
    }
}

use std::{fmt, sync::Arc, time::Duration};

use super::{Client, Csrf, Error, Meaning, Reply, TraceEntry};

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
    pub(super) refresh_body: Option<String>,
    pub(super) refresh_csrf: Option<Csrf>,
    pub(super) idempotency_key: bool,
    pub(super) guard: Option<Vec<String>>,
    pub(super) exclude: Vec<String>,
    pub(super) sign_in: Vec<EndpointOption>,
    pub(super) sign_out: Vec<EndpointOption>,
    pub(super) expired_statuses: Option<Vec<u16>>,
    pub(super) interpret: Option<Interpret>,
    pub(super) name: Option<String>,
    pub(super) csrf: Option<Csrf>,
    pub(super) timeout: Duration,
    pub(super) cross_tab: bool,
    pub(super) learn: bool,
    pub(super) trace: Option<Trace>,
    #[cfg(target_arch = "wasm32")]
    pub(super) is_expired: Option<IsExpired>,
    #[cfg(target_arch = "wasm32")]
    pub(super) fetch: Option<js_sys::Function>,
}

/// A sign-in or a sign-out.
#[derive(Clone)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "a browser is what reads it")
)]
pub(super) struct EndpointOption {
    pub(super) url: String,
    /// `None`: any that can change something.
    pub(super) method: Option<String>,
}

impl EndpointOption {
    pub(super) fn new(url: impl Into<String>, method: Option<String>) -> Self {
        Self {
            url: url.into(),
            method,
        }
    }
}

/// Whether an answer means "the access token has expired".
#[cfg(target_arch = "wasm32")]
#[derive(Clone)]
pub(super) enum IsExpired {
    AtOnce(Arc<dyn Fn(&web_sys::Response) -> bool + Send + Sync>),
    Later(Arc<dyn Fn(web_sys::Response) -> LocalBoxFuture<bool> + Send + Sync>),
}

#[cfg(target_arch = "wasm32")]
pub(super) type LocalBoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T>>>;

/// What the app makes of answers.
pub(super) type Interpret = Arc<dyn Fn(&Reply) -> Option<Meaning> + Send + Sync>;

/// Whoever is told each decision.
pub(super) type Trace = Arc<dyn Fn(&TraceEntry) + Send + Sync>;

impl ClientBuilder {
    pub(super) fn new(refresh: String) -> Self {
        Self {
            refresh,
            refresh_method: "POST".to_owned(),
            refresh_headers: Vec::new(),
            refresh_body: None,
            refresh_csrf: None,
            idempotency_key: false,
            guard: None,
            exclude: Vec::new(),
            sign_in: Vec::new(),
            sign_out: Vec::new(),
            expired_statuses: None,
            interpret: None,
            name: None,
            csrf: None,
            timeout: Duration::from_secs(10),
            cross_tab: true,
            learn: true,
            trace: None,
            #[cfg(target_arch = "wasm32")]
            is_expired: None,
            #[cfg(target_arch = "wasm32")]
            fetch: None,
        }
    }

    /// The method of the refresh. Default `POST`.
    pub fn refresh_method(mut self, method: impl Into<String>) -> Self {
        self.refresh_method = method.into();
        self
    }

    /// A header to send with the refresh, besides those that were given before.
    pub fn refresh_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.refresh_headers.push((name.into(), value.into()));
        self
    }

    /// What to send with the refresh: nothing by default. A GET has none.
    pub fn refresh_body(mut self, body: impl Into<String>) -> Self {
        self.refresh_body = Some(body.into());
        self
    }

    /// The CSRF header of the refresh, where it is not that of other requests.
    pub fn refresh_csrf(mut self, csrf: Csrf) -> Self {
        self.refresh_csrf = Some(csrf);
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

    /// A request to this URL that can change something begins a session if its answer says so: with a 2xx that no redirect took
    /// elsewhere, if [`ClientBuilder::interpret`] says nothing else. Where there are several, call it for each.
    pub fn sign_in(mut self, url: impl Into<String>) -> Self {
        self.sign_in.push(EndpointOption::new(url, None));
        self
    }

    /// Likewise, by that method alone.
    pub fn sign_in_by(mut self, method: impl Into<String>, url: impl Into<String>) -> Self {
        let method = Some(method.into());
        self.sign_in.push(EndpointOption::new(url, method));
        self
    }

    /// A request to this URL that can change something ends the session if its answer says so: with a 2xx or a redirect. Where
    /// there are several, call it for each.
    pub fn sign_out(mut self, url: impl Into<String>) -> Self {
        self.sign_out.push(EndpointOption::new(url, None));
        self
    }

    /// Likewise, by that method alone.
    pub fn sign_out_by(mut self, method: impl Into<String>, url: impl Into<String>) -> Self {
        let method = Some(method.into());
        self.sign_out.push(EndpointOption::new(url, method));
        self
    }

    /// Statuses that mean "the access token has expired", each between 400 and 599. Default 401.
    pub fn expired_statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.expired_statuses = Some(statuses.into_iter().collect());
        self
    }

    /// In place of `expired_statuses`: whether an answer means "the access token has expired". Asked of every guarded answer, and of
    /// that of a sign-out. It gets the very response, so it does not read its body.
    #[cfg(target_arch = "wasm32")]
    pub fn is_expired(
        mut self,
        is_expired: impl Fn(&web_sys::Response) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.is_expired = Some(IsExpired::AtOnce(Arc::new(is_expired)));
        self
    }

    /// Likewise, for what only the body says: GraphQL answers 200 with `errors`. It gets the very response; to read its body, read
    /// what `response.clone()` gives. An answer that is not judged within the timeout counts as one that does not mean that.
    #[cfg(target_arch = "wasm32")]
    pub fn is_expired_by_body<F: Future<Output = bool> + 'static>(
        mut self,
        is_expired: impl Fn(web_sys::Response) -> F + Send + Sync + 'static,
    ) -> Self {
        let is_expired = move |response| Box::pin(is_expired(response)) as LocalBoxFuture<bool>;
        self.is_expired = Some(IsExpired::Later(Arc::new(is_expired)));
        self
    }

    /// What the answer to the refresh, a sign-in or a sign-out says: for servers that say it in a body.
    ///
    /// ```
    /// # use keepfresh::{Client, Meaning, Outcome, Reply};
    /// let builder = Client::builder("/auth/refresh").interpret(|reply: &Reply| {
    ///     let body = reply.body.as_ref()?;
    ///     let is_refused = body.get("ok")?.as_bool() == Some(false);
    ///     Some(Meaning { outcome: is_refused.then_some(Outcome::Expired), ..Meaning::default() })
    /// });
    /// ```
    pub fn interpret(
        mut self,
        interpret: impl Fn(&Reply) -> Option<Meaning> + Send + Sync + 'static,
    ) -> Self {
        self.interpret = Some(Arc::new(interpret));
        self
    }

    /// Which session this is, where one refresh URL serves several. Default: origin and path of the refresh URL.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The CSRF header: added to guarded requests with an unsafe method, to sign-in, sign-out and refresh.
    pub fn csrf(mut self, csrf: Csrf) -> Self {
        self.csrf = Some(csrf);
        self
    }

    /// [`ClientBuilder::csrf`] with [`Csrf::header`].
    pub fn csrf_header(self, header: impl Into<String>, value: impl Into<String>) -> Self {
        self.csrf(Csrf::header(header, value))
    }

    /// [`ClientBuilder::csrf`] with [`Csrf::cookie`].
    pub fn csrf_cookie(self, header: impl Into<String>, cookie: impl Into<String>) -> Self {
        self.csrf(Csrf::cookie(header, cookie))
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

    /// Told each decision as it is made, for logs, breadcrumbs and support ("why was I signed out?"): no header, no body, no query.
    /// What is out of scope is not told.
    ///
    /// ```
    /// # use keepfresh::{Client, TraceEntry};
    /// let builder = Client::builder("/auth/refresh").trace(|entry: &TraceEntry| println!("{entry:?}"));
    /// ```
    pub fn trace(mut self, trace: impl Fn(&TraceEntry) + Send + Sync + 'static) -> Self {
        self.trace = Some(Arc::new(trace));
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

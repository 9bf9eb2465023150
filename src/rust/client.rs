use std::{fmt, time::Duration};

use gloo_net::http::{Request, Response};

use super::{ClientBuilder, Error, Events, Handle, RequestBuilder, State};

/// Sends requests, and keeps the session fresh while it does.
///
/// A clone is the same client, and cheap. Clients of one page with the same refresh URL share one session, and so one
/// refresh. Dropping the last clone disposes of the client.
///
/// A call begins when it is polled. Dropping its future aborts its request, and never the refresh that others share.
///
/// A client is `Send` and `Sync`, so that frameworks can keep it where they keep things; but like everything of a
/// browser it belongs to the thread that made it, and panics in another.
///
/// ```no_run
/// # async fn run() -> Result<(), keepfresh::Error> {
/// let client = keepfresh::Client::new("/auth/refresh")?;
/// let response = client.get("/api/me").send().await?;
/// assert_eq!(response.status(), 200);
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Client(Handle);

impl Client {
    /// A client with the usual options: everything on the refresh endpoint's origin is guarded.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOptions`], if the URL is none.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::new("/auth/refresh")?;
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn new(refresh: impl Into<String>) -> Result<Self, Error> {
        Self::builder(refresh).build()
    }

    /// A client with more to say; `refresh` is the URL of the refresh endpoint.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::builder("/auth/refresh")
    ///     .sign_in("/auth/sign-in")
    ///     .sign_out("/auth/sign-out")
    ///     .build()?;
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn builder(refresh: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(refresh.into())
    }

    /// Sends a request, as `fetch` would.
    ///
    /// A request with a body is cloned before it is sent, so that it can be sent again. One whose body is a stream
    /// cannot be told from others, and is for [`Client::send_once`].
    ///
    /// # Errors
    ///
    /// [`Error::Fetch`] with what `fetch` rejected with, or one of the client's own.
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = gloo_net::http::Request::get("/api/notes").query([("page", "2")]).build()?;
    /// let response = client.send(request).await?;
    /// # Ok(()) }
    /// ```
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        self.0.send(request, true).await
    }

    /// Sends a request that can be sent only once, because its body is a stream.
    ///
    /// The body is neither kept nor cloned. [`Client::ensure_fresh`] before it makes a 401 unlikely.
    ///
    /// # Errors
    ///
    /// [`Error::NotReplayable`] after a 401; the session is fresh by then. Otherwise as [`Client::send`].
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client, upload: gloo_net::http::Request) -> Result<(), keepfresh::Error> {
    /// client.ensure_fresh(None).await?;
    /// let response = client.send_once(upload).await?;
    /// # Ok(()) }
    /// ```
    pub async fn send_once(&self, request: Request) -> Result<Response, Error> {
        self.0.send(request, false).await
    }

    /// Begins a `GET` of that URL.
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
    /// let response = client.get("/api/notes").send().await?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, url: impl Into<String>) -> RequestBuilder {
        self.request("GET", url)
    }

    /// Begins a `POST` to that URL.
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
    /// let response = client.post("/api/notes").json(&["milk"]).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn post(&self, url: impl Into<String>) -> RequestBuilder {
        self.request("POST", url)
    }

    /// Begins a `PUT` to that URL.
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
    /// let response = client.put("/api/notes/1").json(&["milk"]).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn put(&self, url: impl Into<String>) -> RequestBuilder {
        self.request("PUT", url)
    }

    /// Begins a `DELETE` of that URL.
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
    /// let response = client.delete("/api/notes/1").send().await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, url: impl Into<String>) -> RequestBuilder {
        self.request("DELETE", url)
    }

    /// Waits until the access cookie is fresh: for before what cannot be replayed or seen (a stream upload, a
    /// WebSocket, a download). It comes back too when the session is over; then [`Client::state`] says so.
    ///
    /// `max_age` is how old the cookie may be. `None`: as old as the server's `expires_in` allows, or a minute where
    /// it sends none.
    ///
    /// # Errors
    ///
    /// [`Error::RefreshUnavailable`].
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
    /// client.ensure_fresh(Some(std::time::Duration::from_secs(30))).await?;
    /// # Ok(()) }
    /// ```
    pub async fn ensure_fresh(&self, max_age: Option<Duration>) -> Result<(), Error> {
        self.0.ensure_fresh(max_age).await
    }

    /// Refreshes now, or joins the refresh under way.
    ///
    /// # Errors
    ///
    /// [`Error::RefreshUnavailable`].
    ///
    /// ```no_run
    /// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
    /// client.refresh().await?;
    /// # Ok(()) }
    /// ```
    pub async fn refresh(&self) -> Result<(), Error> {
        self.0.refresh().await
    }

    /// Somebody signed in without this client: by a form, a redirect, a popup. What is known of the session before holds no
    /// longer, here and in other tabs, and none of its requests is sent again.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::new("/auth/refresh")?;
    /// client.signed_in();
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn signed_in(&self) {
        self.0.signed_in();
    }

    /// Somebody signed out without this client.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::new("/auth/refresh")?;
    /// client.signed_out();
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn signed_out(&self) {
        self.0.signed_out();
    }

    /// What is known of the session at this moment.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::new("/auth/refresh")?;
    /// assert_eq!(client.state(), keepfresh::State::Unknown);
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// What happens to the session from now on, as a `Stream`. It ends with the client.
    ///
    /// It keeps no client alive, and holds what has not been read yet.
    ///
    /// ```no_run
    /// # use futures_util::StreamExt as _;
    /// # async fn run(client: keepfresh::Client) {
    /// let mut events = client.events();
    /// while let Some(event) = events.next().await {
    ///     if event.kind == keepfresh::EventKind::Expired {
    ///         // Show the sign-in.
    ///     }
    /// }
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        self.0.events()
    }

    /// Replaces the page's `fetch`, so that what calls that by itself is kept fresh too: gloo-net on its own, reqwest, server
    /// functions of Leptos or Dioxus. What is out of scope goes to the `fetch` of before, with the same arguments. Rejections
    /// of the client's own are `Error` objects with a `code`, as the npm package has them.
    ///
    /// It stays until [`Client::uninstall`] or [`Client::dispose`], and keeps the client alive as long. To install it twice is
    /// to install it once. On a server nothing happens.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// keepfresh::Client::new("/auth/refresh")?.install();
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn install(&self) {
        self.0.install();
    }

    /// Puts the page's own `fetch` back. If somebody else has wrapped it since, ours stays in their chain and hands through.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::new("/auth/refresh")?;
    /// client.install();
    /// client.uninstall();
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn uninstall(&self) {
        self.0.uninstall();
    }

    /// Ends the client, every clone of it: calls that wait come back with [`Error::Disposed`], what is on the wire
    /// comes back as it is.
    ///
    /// ```
    /// # fn run() -> Result<(), keepfresh::Error> {
    /// let client = keepfresh::Client::new("/auth/refresh")?;
    /// client.dispose();
    /// # Ok(()) }
    /// # run().unwrap();
    /// ```
    pub fn dispose(&self) {
        self.0.dispose();
    }

    pub(super) fn of(options: ClientBuilder) -> Result<Self, Error> {
        Handle::new(options).map(Self)
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.0
    }

    fn request(&self, method: &'static str, url: impl Into<String>) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, url.into())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

use std::{error, fmt};

/// Why a call failed.
///
/// A 401 is no error: it is a response, and comes back when the session cannot be renewed.
///
/// ```no_run
/// # async fn run(client: keepfresh::Client) {
/// match client.get("/api/me").send().await {
///     Ok(response) if response.status() == 401 => { /* Show the sign-in. */ }
///     Ok(response) => { /* Show what it says. */ }
///     Err(keepfresh::Error::RefreshUnavailable(why)) => { /* Nobody is signed out: offer to try again. */ }
///     Err(error) => { /* As with any other fetch. */ }
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `fetch` rejected: the network, CORS, or the reason of the request's own abort signal.
    #[error("the request failed: {0}")]
    Fetch(#[source] Rejection),
    /// The session could not be refreshed in time; nobody has been signed out.
    #[error("the session could not be refreshed in time; nobody has been signed out")]
    RefreshUnavailable(#[source] RefreshError),
    /// The access token had expired, and the request can be sent only once; or somebody else signed in while it waited to be
    /// sent. The session is fresh again, unless its state says otherwise: send the request anew.
    #[error(
        "the access token had expired, and this request can be sent only once; send it anew, or call ensure_fresh() before"
    )]
    NotReplayable,
    /// There can be no such request: a URL that does not parse, a header that is none, a value that is none in JSON.
    #[error("no such request: {0}")]
    InvalidRequest(String),
    /// Misuse, said in the message.
    #[error("{0}")]
    InvalidOptions(String),
    /// The client was disposed of.
    #[error("this client has been disposed of; create another one")]
    Disposed,
    /// There is no `fetch` here: this is not WebAssembly in a browser, but a server that renders, say.
    #[error("keepfresh needs a browser; this was called outside of one")]
    NeedsBrowser,
}

/// Why the session could not be refreshed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The refresh was answered with this status.
    #[error("the refresh was answered {0}")]
    Answered(u16),
    /// The refresh was answered with a redirect, which is not followed.
    #[error("the refresh was answered with a redirect; give the URL that it leads to")]
    Redirected,
    /// The refresh got no answer.
    #[error("the refresh got no answer: {0}")]
    Lost(#[source] Rejection),
    /// The refresh was not answered in time.
    #[error("the refresh was not answered in time")]
    Overdue,
}

/// What a promise was rejected with. That is an `Error` as a rule, and may be anything at all: an abort signal's
/// reason is what its owner says.
pub struct Rejection {
    message: String,
    #[cfg(target_arch = "wasm32")]
    value: send_wrapper::SendWrapper<wasm_bindgen::JsValue>,
}

#[cfg(target_arch = "wasm32")]
impl Rejection {
    pub(super) fn new(value: wasm_bindgen::JsValue) -> Self {
        Self {
            message: describe(&value),
            value: send_wrapper::SendWrapper::new(value),
        }
    }

    /// The very value.
    pub fn value(&self) -> &wasm_bindgen::JsValue {
        &self.value
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.message).finish()
    }
}

impl error::Error for Rejection {}

/// A value in words. `String()` throws for some (a symbol in an object, an object without a prototype).
#[cfg(target_arch = "wasm32")]
pub(super) fn describe(value: &wasm_bindgen::JsValue) -> String {
    use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(catch, js_name = String)]
        fn to_string(value: &JsValue) -> Result<String, JsValue>;
    }
    to_string(value).unwrap_or_else(|_| "a value that cannot be described".to_owned())
}

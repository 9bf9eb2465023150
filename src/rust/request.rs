use std::fmt;

use gloo_net::http::Response;
use serde::Serialize;

use super::{Client, Error};

/// A request in the making, by [`Client::get`] and its like. For what it cannot do (forms, blobs, modes) make a
/// request with gloo-net, and hand it to [`Client::send`].
///
/// ```no_run
/// # async fn run(client: keepfresh::Client) -> Result<(), keepfresh::Error> {
/// let response = client
///     .post("/api/notes")
///     .header("accept", "application/json")
///     .json(&["milk", "bread"])
///     .send()
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "it is sent by `send`"]
pub struct RequestBuilder {
    client: Client,
    parts: Result<Parts, Error>,
}

/// What a request is made of.
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "a browser is what reads it")
)]
pub(super) struct Parts {
    pub(super) method: &'static str,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Body>,
}

/// The body of a request: text or bytes.
///
/// ```
/// let text = keepfresh::Body::from("milk");
/// let bytes = keepfresh::Body::from(vec![1, 2, 3]);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Body {
    /// Sent as UTF-8, with the `Content-Type` `text/plain` unless a header says otherwise.
    Text(String),
    /// Sent as they are, without a `Content-Type` unless a header gives one.
    Bytes(Vec<u8>),
}

impl RequestBuilder {
    pub(super) fn new(client: Client, method: &'static str, url: String) -> Self {
        let parts = Parts {
            method,
            url,
            headers: Vec::new(),
            body: None,
        };
        Self {
            client,
            parts: Ok(parts),
        }
    }

    /// Sets a header. Of two with one name, the later one counts.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Ok(parts) = &mut self.parts {
            parts.headers.push((name.into(), value.into()));
        }
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        if let Ok(parts) = &mut self.parts {
            parts.body = Some(body.into());
        }
        self
    }

    /// Sets the body to a value as JSON, and the header that says so. A value that is none in JSON fails in
    /// [`RequestBuilder::send`].
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_string(value) {
            Ok(json) => self
                .header("content-type", "application/json")
                .body(Body::Text(json)),
            Err(error) => {
                self.parts = Err(Error::InvalidRequest(error.to_string()));
                self
            }
        }
    }

    /// Sends it; see [`Client::send`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if there can be no such request, [`Error::Fetch`] with what `fetch` rejected with, or
    /// one of the client's own.
    pub async fn send(self) -> Result<Response, Error> {
        self.client.handle().send_parts(self.parts?).await
    }
}

/// Neither headers nor the body: what is written to a log is for others to read.
impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RequestBuilder");
        match &self.parts {
            Ok(parts) => shown
                .field("method", &parts.method)
                .field("url", &parts.url),
            Err(error) => shown.field("error", error),
        };
        shown.finish_non_exhaustive()
    }
}

/// The kind alone.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

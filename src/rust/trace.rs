use super::Event;

/// Told each decision; see [`ClientBuilder::trace`](crate::ClientBuilder::trace).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TraceEntry {
    /// When, in milliseconds since the page began (`performance.now()`).
    pub at: f64,
    /// What was decided, or what came of it.
    pub what: Traced,
}

/// A decision, or what came of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Traced {
    /// A request is sent.
    Sent(TracedRequest),
    /// It is sent once more.
    SentAgain(TracedRequest),
    /// It was answered with this status; 0: with a redirect that was not followed.
    Answered(TracedRequest, u16),
    /// `fetch` rejected it, with an error of this name.
    Failed(TracedRequest, String),
    /// This was announced to whoever listens to [`Client::events`](crate::Client::events).
    Announced(Event),
}

/// A request, as far as a log may say it: no header, no body, no query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TracedRequest {
    /// Tells the call from others of this page. `None`: it is the refresh.
    pub call: Option<u32>,
    /// Its method.
    pub method: String,
    /// Origin and path.
    pub url: String,
}

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_channel::mpsc::UnboundedReceiver;
use futures_core::Stream;

/// What is known of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum State {
    /// Nothing yet.
    Unknown,
    /// That it is fine.
    Active,
    /// That a refresh is under way.
    Refreshing,
    /// That the user has to sign in again.
    Expired,
}

/// Something that has happened to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Event {
    /// What has happened.
    pub kind: EventKind,
    /// Why.
    pub cause: Cause,
    /// Who brought it about.
    pub by: By,
    /// The status of the answer behind it, if there was one.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub status: Option<u16>,
}

/// What can happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EventKind {
    /// The access cookie was renewed.
    Refreshed,
    /// The server refused the refresh: the user has to sign in again. Once, until a session begins anew.
    Expired,
    /// A refresh failed, and it means nothing for the session.
    Unavailable,
    /// A request was answered 401 under the cookie that had just been renewed for it: blocked cookies, as a rule.
    Ineffective,
}

/// Why something has happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// A request met a 401.
    Unauthorized,
    /// The lifetime that the server had announced was over.
    Lifetime,
    /// The lifetime that was learnt was over.
    Learnt,
    /// [`Client::refresh`](crate::Client::refresh) or [`Client::ensure_fresh`](crate::Client::ensure_fresh) was called.
    Asked,
    /// The refresh was answered with a refusal.
    Answered,
    /// The refresh got no answer.
    Lost,
    /// The refresh got no answer in time.
    Overdue,
    /// The user signed out in another tab.
    SignedOut,
    /// Cookies of the session before have replaced those of a sign-in: the server takes the user for somebody else.
    Superseded,
}

/// Who brought an event about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum By {
    /// This client.
    Client,
    /// Another client of the same session.
    Peer,
}

/// The events of a client, as they come; see [`Client::events`](crate::Client::events).
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct Events(pub(super) UnboundedReceiver<Event>);

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

use super::{Cause, Millis};

/// What peers tell each other: the tabs, workers and clients of other bundles that share the cookies of one refresh URL.
///
/// None of it is needed for a tab to work. A word may come late, twice, out of order or never; so it says how old it
/// is, and what is older than what we know is no news.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Word {
    pub(crate) news: News,
    /// How long ago it came about.
    pub(crate) age: Millis,
    /// How long what it tells of takes: a refresh at the most, a pause at least.
    pub(crate) span: Millis,
    /// What brought it about.
    pub(crate) cause: Cause,
    /// The refresh that it is about.
    pub(crate) key: Key,
}

/// Names a refresh, the same each time that it is sent. What its `Idempotency-Key` is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Key {
    /// A random number of the tab, worker or bundle that sent it first.
    pub(crate) seed: f64,
    /// Which of its refreshes it was.
    pub(crate) number: u32,
}

/// What a word tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A refresh has been sent, and counts as lost after `span`.
    Started,
    /// The access cookie was renewed.
    Refreshed,
    /// The server refused a refresh.
    Expired,
    /// A refresh failed; nobody is to send another one for `span`.
    Unavailable,
    SignedIn,
    SignedOut,
}

use super::{Cause, ClientId, Key, Millis};

/// The latest refresh, ours or a peer's.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// Tells our refreshes from those of peers.
    pub(crate) seed: f64,
    /// Counts the refreshes that were sent, so that a late end is told from the current one.
    pub(crate) number: u32,
    /// Whether the end of refresh `number` is still to come.
    pub(crate) awaited: bool,
    /// The latest refresh, ours or a peer's, if it came to no known end: the next one is the same one tried again.
    pub(crate) unsettled: Option<Key>,
    /// A peer's refresh is under way, until this moment at the most.
    pub(crate) foreign: Option<Millis>,
    pub(crate) started: Start,
}

/// Who started the latest refresh, when and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Nobody: it is a peer's.
    pub(crate) client: Option<ClientId>,
    pub(crate) at: Millis,
    /// From here on it is overdue.
    pub(crate) limit: Millis,
    pub(crate) cause: Cause,
}

impl Flight {
    pub(crate) fn new(seed: f64) -> Self {
        Self {
            seed,
            number: 0,
            awaited: false,
            unsettled: None,
            foreign: None,
            started: Start {
                client: None,
                at: 0.0,
                limit: 0.0,
                cause: Cause::Asked,
            },
        }
    }
}

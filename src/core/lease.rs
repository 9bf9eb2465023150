use super::Millis;

/// The lock that peers share, as the core knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease {
    /// Whether the lock is ours or asked for.
    pub(crate) held: bool,
    /// When it was asked for, or given by a peer: the time that a refresh is given starts here.
    pub(crate) at: Millis,
    /// Whether the lock had to be waited for since a peer was heard of, or a refresh came to an end.
    pub(crate) waited: bool,
    /// The longest that a call of ours may wait. Nobody is believed to take the lock for longer.
    pub(crate) longest: Millis,
}

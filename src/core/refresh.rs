use super::CallId;

/// Where the one refresh stands.
///
/// ```text
///          a 401 of this epoch, a known expiry, or somebody asks for it
///     ┌────────────────────────────────┐
///     │                                ▼
/// ┌───┴──┐  a peer renewed it    ┌─────────┐   the lock is ours    ┌──────────┐
/// │ Idle │◄──────────────────────┤ Locking ├──────────────────────►│ Underway │
/// └──────┘                       └─┬─────▲─┘                       └─┬──┬──┬──┘
///   ▲ ▲ ▲     a peer had the lock, │     │                           │  │  │
///   │ │ │        or one died of it │     │ still a 401               │  │  │
///   │ │ │                          ▼     │                           │  │  │
///   │ │ │  no 401 any more   ┌───────────┴┐   lost, or overdue       │  │  │
///   │ │ └────────────────────┤  Doubting  │◄─────────────────────────┘  │  │
///   │ │                      └────────────┘                             │  │
///   │ │    nobody waits      ┌─────────┐   unavailable                  │  │
///   │ └──────────────────────┤ Cooling │◄───────────────────────────────┘  │
///   │                        └────┬────┘                                   │
///   │                             └──► Locking: time, and somebody waits   │
///   └──────────────────────────────────────────────────────────────────────┘
///              renewed: a new epoch; expired: the session is over
/// ```
///
/// A refusal is confirmed before the session is over: Underway, [`Refresh::Confirming`], Idle. A sign-in and a sign-out go
/// the same way: Idle, Locking, [`Refresh::Signing`], Idle. Only Locking (for a refresh) and Underway close the gate.
/// In the other states guarded requests go out: at worst they meet a 401 and wait, at best they find that the session
/// is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    Idle,
    /// The lock is asked for. While a peer has it, a waiting request is sent again now and then: the peer may have been
    /// frozen after it succeeded.
    Locking,
    /// On the wire, and the lock is ours. Once it is due it counts as lost, though its answer is still welcome.
    Underway,
    /// It is not known what became of a refresh, so a waiting request is sent again to find out.
    Doubting,
    /// The last one failed; the next goes out when the pause is over.
    Cooling,
    /// A sign-in or a sign-out is on the wire, and the lock is ours: a refresh beside it would put the cookies of before in
    /// place of those that it sets. Once it is due the lock is given back.
    Signing {
        by: CallId,
    },
    /// A session has begun or ended beside our refresh. The lock is ours until that ends, for its cookies may come still;
    /// once it is due the lock is given back.
    Leftover,
    /// The refresh was refused, and a waiting request is sent again before that is believed. The lock is ours. Once it is
    /// due the refusal stands.
    Confirming,
}

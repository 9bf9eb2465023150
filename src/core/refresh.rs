use super::{CallId, Millis};

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
/// A sign-out goes the same way: Idle, Locking, [`Refresh::SigningOut`], Idle. Only Locking and Underway close the gate.
/// In the other states guarded requests go out: at worst they meet a 401 and wait, at best they find that the session
/// is fine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refresh {
    Idle,
    /// The lock is asked for. While a peer has it, a waiting request is sent again at `ask_at`: the peer may have been
    /// frozen after it succeeded.
    Locking {
        ask_at: Millis,
    },
    /// On the wire, and the lock is ours. Past `limit` it counts as lost, though its answer is still welcome.
    Underway {
        limit: Millis,
    },
    /// It is not known what became of a refresh, so at `ask_at` a waiting request is sent again to find out.
    Doubting {
        ask_at: Millis,
    },
    /// The last one failed; the next goes out no sooner than `until`.
    Cooling {
        until: Millis,
    },
    /// A sign-out is on the wire, and the lock is ours: a refresh beside it would outlive the session. Past `limit` the
    /// lock is given back.
    SigningOut {
        by: CallId,
        limit: Millis,
    },
}

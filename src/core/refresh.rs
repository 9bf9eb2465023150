use super::{CallId, Millis};

/// Where the one refresh stands.
///
/// ```text
///            a 401 of this epoch, a known expiry, or somebody asks for it
///     ┌───────────────────────────────────────────────────────────┐
///     │                                                           ▼
/// ┌───┴──┐   renewed: a new epoch; expired: the session is over   ┌──────────┐
/// │ Idle │◄───────────────────────────────────────────────────────┤ Underway │◄─┐
/// └──────┘                                                        └──┬────┬──┘  │
///     ▲                                            unavailable       │    │     │
///     │                        ┌─────────┐◄──────────────────────────┘    │     │
///     ├────────────────────────┤ Cooling ├────────────────────────────────┼─────┘
///     │   time, nobody waits   └─┬─────▲─┘   time, somebody waits         │
///     │                    time, │     │ still a 401                      │
///     │             fate unknown ▼     │                                  │
///     │                        ┌───────┴─┐        lost, or overdue        │
///     └────────────────────────┤ Asking  │◄───────────────────────────────┘
///          no 401 any more     └─────────┘
/// ```
///
/// Only [`Refresh::Underway`] closes the gate. In the other states guarded requests go out: at worst they meet
/// a 401 and wait, at best they find that the session is fine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refresh {
    Idle,
    /// On the wire. Past `limit` it counts as lost, though its answer is still welcome.
    Underway {
        limit: Millis,
    },
    /// Its fate is unknown, and a waiting request is on the wire again to find out.
    Asking {
        by: CallId,
    },
    /// The last one failed; the next goes out no sooner than `until`.
    Cooling {
        until: Millis,
    },
}

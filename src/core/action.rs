use super::{CallId, ClientId, Key, Word};

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Send the call's request: for the first time, or once more with the same bytes. A response that it held is
    /// for nobody any more.
    Send { call: CallId },
    /// The call waits with its 401: free the connection, keep the answer readable.
    Hold { call: CallId },
    /// Settle the call with the response that it has.
    Answer { call: CallId },
    /// Settle the call of a command: what it asked for has been seen to.
    Done { call: CallId },
    /// Reject the call.
    Fail { call: CallId, failure: Failure },
    /// Ask for the lock that keeps peers from refreshing, and call [`Session::handle_lock`] when it is ours; where there
    /// is no such lock, at once. If a peer has it, call [`Session::handle_busy`] and go on waiting.
    Lock,
    /// Give the lock back, or stop waiting for it.
    Unlock,
    /// Send the refresh, as `client` is configured.
    Refresh {
        client: ClientId,
        number: u32,
        key: Key,
    },
    /// Give up the refresh on the wire: its answer must not come after the end of its session.
    Abandon,
    /// Tell the peers, and whoever comes up later.
    Tell(Word),
    /// Tell every client. `by` is the one that brought it about; nobody means a peer.
    Announce {
        event: Event,
        cause: Cause,
        by: Option<ClientId>,
    },
}

/// Why a call is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    RefreshUnavailable,
    NotReplayable,
    Disposed,
}

/// What clients are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Refreshed,
    Expired,
    Unavailable,
    Ineffective,
}

/// What brought an event about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A guarded request was answered with an expired status.
    Unauthorized,
    /// The lifetime that the server had announced was over.
    Lifetime,
    /// `refresh` or `ensureFresh` was called.
    Asked,
    /// The refresh was answered, with a refusal.
    Answered,
    /// The refresh was not answered.
    Lost,
    /// The refresh was not answered in time.
    Overdue,
    /// The user signed out elsewhere.
    SignedOut,
}

/// What the shell has not been told yet, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions {
    list: Vec<Action>,
    /// How many of them have been taken.
    taken: usize,
}

impl Actions {
    pub(crate) fn push(&mut self, action: Action) {
        self.list.push(action);
    }

    /// The next one, if there is one.
    pub(crate) fn take(&mut self) -> Option<Action> {
        let action = self.list.get(self.taken).copied();
        self.taken += 1;
        if action.is_none() {
            self.list.clear();
            self.taken = 0;
        }
        action
    }

    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

use super::{CallId, ClientId, Credit, Key, Word};

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
    /// Tell the peers, and whoever comes up later.
    Tell(Word),
    /// What the page shows may be somebody else's: load it anew.
    Reload,
    /// Tell every client.
    Announce { event: Event, credit: Credit },
}

/// Why a call is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    RefreshUnavailable = 0,
    NotReplayable = 1,
    Disposed = 2,
}

/// What clients are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Refreshed = 0,
    Expired = 1,
    Unavailable = 2,
    Ineffective = 3,
}

/// What brought an event about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A guarded request was answered with an expired status.
    Unauthorized = 0,
    /// The lifetime that the server had announced was over.
    Lifetime = 1,
    /// `refresh` or `ensureFresh` was called.
    Asked = 2,
    /// The refresh was answered, with a refusal.
    Answered = 3,
    /// The refresh was not answered.
    Lost = 4,
    /// The refresh was not answered in time.
    Overdue = 5,
    /// The user signed out elsewhere.
    SignedOut = 6,
    /// A refresh of the session before has replaced the cookies of a sign-in.
    Superseded = 7,
    /// The lifetime that was learnt is over.
    Learnt = 8,
}

impl Cause {
    pub(super) const ALL: [Self; 9] = [
        Self::Unauthorized,
        Self::Lifetime,
        Self::Asked,
        Self::Answered,
        Self::Lost,
        Self::Overdue,
        Self::SignedOut,
        Self::Superseded,
        Self::Learnt,
    ];

    /// What is written as that number; other deployments write the same.
    pub(crate) fn from_code(code: f64) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }
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

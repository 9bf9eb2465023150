use super::{Cause, ClientId, Key, Millis};

/// The refreshes that were sent, ours and those of peers.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// Tells our refreshes and sessions from those of peers.
    pub(crate) seed: f64,
    /// Counts the refreshes of ours.
    pub(crate) number: u32,
    /// Those of ours whose end is still to come: one that is overdue goes on, for its answer is still welcome.
    pub(crate) awaited: Vec<Start>,
    /// When the latest refresh of ours was sent.
    pub(crate) sent_at: Millis,
    /// From here on that one is overdue.
    pub(crate) limit: Millis,
    /// Whose refresh it was that came to its end last, or is about to.
    pub(crate) credit: Credit,
    /// The latest refresh, ours or a peer's, if it came to no known end: the next one is the same one tried again.
    pub(crate) unsettled: Option<Key>,
    /// The latest that is known to have worked.
    pub(crate) settled: Key,
    /// A peer's refresh is under way, until this moment at the most.
    pub(crate) foreign: Option<Millis>,
}

/// A refresh of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) number: u32,
    pub(crate) at: Millis,
    pub(crate) key: Key,
    pub(crate) client: ClientId,
    pub(crate) cause: Cause,
    /// Whether it is of a session before this one.
    pub(crate) stale: bool,
}

/// To whom an outcome is put down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Credit {
    /// Nobody: a peer's.
    pub(crate) client: Option<ClientId>,
    pub(crate) cause: Cause,
    /// The status of the answer behind it; 0 if there was none.
    pub(crate) status: u16,
}

impl Flight {
    pub(crate) fn new(seed: f64) -> Self {
        Self {
            seed,
            number: 0,
            awaited: Vec::new(),
            sent_at: Millis::NEG_INFINITY,
            limit: Millis::NEG_INFINITY,
            credit: Credit {
                client: None,
                cause: Cause::Asked,
                status: 0,
            },
            unsettled: None,
            settled: Key::default(),
            foreign: None,
        }
    }

    /// A refresh is about to be sent; the latest one again, if nobody knows what came of it.
    pub(crate) fn start(
        &mut self,
        now: Millis,
        limit: Millis,
        client: ClientId,
        cause: Cause,
    ) -> Start {
        self.number = self.number.wrapping_add(1);
        let new = Key {
            seed: self.seed,
            number: self.number,
        };
        let start = Start {
            number: self.number,
            at: now,
            key: *self.unsettled.get_or_insert(new),
            client,
            cause,
            stale: false,
        };
        (self.sent_at, self.limit) = (now, limit);
        self.put_down(&start, 0);
        self.awaited.push(start);
        start
    }

    /// The refresh of ours with that number has come to its end, if it was awaited.
    pub(crate) fn land(&mut self, number: u32) -> Option<Start> {
        let index = self.awaited.iter().position(|it| it.number == number)?;
        Some(self.awaited.swap_remove(index))
    }

    pub(crate) fn awaits_latest(&self) -> bool {
        self.awaited.iter().any(|it| it.number == self.number)
    }

    /// What comes is put down to that refresh of ours.
    pub(crate) fn put_down(&mut self, start: &Start, status: u16) {
        self.credit = Credit {
            client: Some(start.client),
            cause: start.cause,
            status,
        };
    }

    /// Whatever is on the wire is of a session before.
    pub(crate) fn outdate(&mut self) {
        for start in &mut self.awaited {
            start.stale = true;
        }
    }
}

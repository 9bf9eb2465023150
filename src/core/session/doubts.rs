//! What is done when nobody knows what came of a refresh, or when it was refused: a waiting request asks.

use super::{Call, CallId, Cause, Event, FIRST_PAUSE, Millis, News, Refresh, Session, Stage};

impl Session {
    /// The refresh was refused. Somebody else may have rotated the cookie (a server that renders pages for one), so a
    /// waiting request is sent again before that is believed. The lock stays ours, lest a peer does the same.
    pub(super) fn confirm(&mut self, now: Millis) {
        if self.refresh != Refresh::Confirming {
            self.doubt.extend(now);
            let due = self.flight.limit.max(now + FIRST_PAUSE);
            self.turn(Refresh::Confirming, due);
        }
        if self.doubt.asking.is_some() {
            // Its answer first; if that was sent too early to tell, another one follows.
            return;
        }
        let asker = self.calls.find(Call::can_be_sent_again);
        let asker = asker.or(self.calls.find(Call::is_gated));
        let Some((id, stage)) = asker.map(|call| (call.id, call.stage)) else {
            return self.expire(now);
        };
        let is_gated = stage == Stage::Gated;
        self.send(now, id, if is_gated { Stage::Sent } else { Stage::Asking });
        self.doubt.asking = Some(id);
    }

    /// The refresh was sent, and nobody knows what came of it.
    pub(super) fn lose(&mut self, now: Millis, cause: Cause) {
        self.pacing.unavailable.fail(now, None);
        self.flight.credit.status = 0;
        self.fail_publicly(now, cause);
        self.wonder(now);
    }

    pub(super) fn fail_publicly(&mut self, now: Millis, cause: Cause) {
        let span = self.pacing.unavailable.until() - now;
        self.tell(now, News::Unavailable, now, span, cause);
        self.unlock();
        self.announce(Event::Unavailable, cause, self.flight.credit.status);
    }

    /// What came of a refresh is in doubt, from now on.
    pub(super) fn wonder(&mut self, now: Millis) {
        self.doubt.extend(now);
        self.doubt.asked = 0;
        self.turn(Refresh::Doubting, Millis::INFINITY);
        self.release_unsent(now);
        self.ask(now);
    }

    /// Lets a waiting request find out how the session stands, by being sent again.
    pub(super) fn ask(&mut self, now: Millis) {
        match self.refresh {
            Refresh::Cooling => return,
            Refresh::Confirming => return self.confirm(now),
            _ => {}
        }
        if self.doubt.asking.is_some() {
            if let Refresh::Locking | Refresh::Doubting = self.refresh {
                // Its answer says when the next one does.
                self.due = Millis::INFINITY;
            }
            return;
        }
        let is_closed = self.is_closed();
        if self.refresh == Refresh::Locking && !is_closed {
            // Who signs in or out has nothing to ask, and keeps its place in the queue for the lock.
            self.due = Millis::INFINITY;
            return;
        }
        if self.leaving().is_some() && self.doubt.orphan(now).is_none() && !is_closed {
            // It ends the session, and so the question.
            return self.rest();
        }
        let later = now + self.doubt.pause();
        let asker = self.calls.find(Call::can_be_sent_again);
        let due = if let Some(id) = asker.map(|call| call.id) {
            self.doubt.asked = self.doubt.asked.saturating_add(1);
            self.send(now, id, Stage::Asking);
            self.doubt.asking = Some(id);
            Millis::INFINITY
        } else if is_closed {
            later
        } else if let Some(until) = self.doubt.orphan(now) {
            until
        } else {
            // Nobody here can ask. The next guarded request does, by being sent.
            self.rest();
            if self.flight.credit.client.is_some() {
                self.fail_waiting(now, Millis::INFINITY);
            }
            return;
        };
        let refresh = if is_closed {
            Refresh::Locking
        } else {
            Refresh::Doubting
        };
        self.turn(refresh, due);
    }

    pub(super) fn can_ask(&self) -> bool {
        self.calls.find(Call::can_be_sent_again).is_some()
    }

    /// The call does not ask any more, if it did; another one may, after a pause.
    pub(super) fn stop_asking(&mut self, now: Millis, id: CallId) -> bool {
        let asked = self.doubt.asking == Some(id);
        if asked {
            self.doubt.asking = None;
            let later = now + self.doubt.pause();
            match self.refresh {
                Refresh::Locking => self.due = later,
                Refresh::Doubting => self.due = self.doubt.orphan(now).unwrap_or(later).min(later),
                _ => {}
            }
        }
        asked
    }

    /// The request that asked came back with neither a success nor a 401, so nobody is the wiser.
    pub(super) fn find_out_later(&mut self, now: Millis) {
        match self.refresh {
            Refresh::Doubting => {
                self.pacing.unavailable.fail(now, None);
                self.cool(now);
            }
            Refresh::Confirming => self.confirm(now),
            _ => {}
        }
    }

    /// Keeps away from the server until the pause is over. Who cannot wait so long is told now.
    pub(super) fn cool(&mut self, now: Millis) {
        let until = self.pacing.unavailable.until();
        self.turn(Refresh::Cooling, until);
        self.release_unsent(now);
        self.fail_waiting(now, until);
    }
}

//! What peers say, and what they are told.

use super::{Action, Cause, Event, Millis, News, Over, Refresh, Session, State, Word};

/// A word from the future is at the most so far ahead of its time: clocks are read in whole milliseconds.
const LARGEST_SKEW: Millis = 100.0;
/// Two moments that were told in whole milliseconds are told apart from here on.
pub(super) const GRAIN: Millis = 2.0;
/// How long a peer's refresh takes at the most, where no call of ours may wait longer.
const LONGEST_REFRESH: Millis = 10_000.0;
/// The longest pause that a word is believed.
const LONGEST_PAUSE: Millis = 60_000.0;

impl Session {
    /// What was last said before this page could hear it. It is about cookies that this page has not used yet, so nothing of
    /// it is announced.
    pub(super) fn recall(&mut self, now: Millis, word: Word) {
        let moment = now - word.age;
        if word.age < -LARGEST_SKEW || moment <= self.cookie.at {
            return;
        }
        match word.news {
            News::Refreshed | News::SignedIn => {
                self.cookie.at = moment;
                self.cookie.sent_at = now - word.sent.max(word.age);
                self.cookie.until = lifetime_of(word).map(|life| moment + life);
                self.adopt(word);
            }
            News::Expired | News::SignedOut => {
                self.pacing.note_refusal(word.address);
                if let State::Unknown { over_at } = &mut self.state {
                    *over_at = Some(moment);
                }
            }
            News::Started | News::Unavailable => self.adopt(word),
        }
    }

    pub(super) fn learn(&mut self, now: Millis, word: Word) {
        if word.age < -LARGEST_SKEW {
            // The clock has been set back, and nobody knows when that was. But its key is to be kept.
            if matches!(word.news, News::Started | News::Unavailable) {
                self.leave_to_peer(word);
            }
            return;
        }
        let moment = now - word.age.max(0.0);
        if moment <= self.cookie.at {
            return self.learn_late(now, moment, word);
        }
        self.flight.foreign = None;
        self.lease.waited = false;
        match word.news {
            News::Expired if word.cause == Cause::Superseded => {
                self.outdate();
                self.leave_to_peer(word);
                self.end(now, moment, Over::Superseded);
            }
            // Ours has an end of its own.
            News::Started | News::Unavailable | News::Expired
                if self.is_underway() || self.refresh == Refresh::Confirming => {}
            News::Started => {
                // A slip in a word, or somebody else's, must park nobody for long.
                self.flight.foreign =
                    Some(moment + word.span.min(self.lease.longest.max(LONGEST_REFRESH)));
                self.leave_to_peer(word);
                self.fall_behind();
            }
            News::Unavailable => self.learn_failure(now, moment, word),
            // Before this page was there: it knows nothing that this could change.
            _ if moment <= 0.0 => self.recall(now, word),
            News::Refreshed => self.learn_success(now, moment, word),
            News::Expired => {
                self.leave_to_peer(word);
                self.pacing.note_refusal(word.address);
                self.end(now, moment, Over::Refused);
            }
            News::SignedIn => {
                if is_find(word) {
                    self.find(now, moment, word.session);
                } else {
                    self.begin(now, moment, word.session, State::Active);
                }
                self.adopt(word);
                self.cookie.until = lifetime_of(word).map(|life| moment + life);
            }
            News::SignedOut => self.learn_sign_out(now, moment, word),
        }
    }

    /// A word of what was before the cookie of today. As a rule it is no news.
    fn learn_late(&mut self, now: Millis, moment: Millis, word: Word) {
        let is_signed_out = matches!(
            self.state,
            State::Over {
                why: Over::SignedOut,
                ..
            }
        );
        let is_sign_in = word.news == News::SignedIn && !is_find(word);
        if is_signed_out && is_sign_in && self.cookie.sent_at + GRAIN < moment {
            self.forget_which_came_last();
            return self.adopt(word);
        }
        if moment <= self.cookie.session_at + GRAIN || self.is_of_this_session(word) {
            return;
        }
        let at = self.cookie.at;
        // The refresh that set the cookie of today was sent before it.
        let is_undone = self.cookie.sent_at + GRAIN < moment;
        match word.news {
            News::SignedIn if is_undone && moment + GRAIN < at => self.supersede(now),
            // The cookie of today is one of that session, and only what was sent with it is of that session too.
            News::SignedIn => {
                let until = self.cookie.until;
                self.begin(now, at, word.session, State::Active);
                self.adopt(word);
                self.cookie.until = until;
            }
            News::SignedOut if is_undone => self.learn_sign_out(now, at, word),
            _ => {}
        }
    }

    /// This page could hear nobody for a while: somebody may have signed in elsewhere.
    pub(super) fn forget_what_may_have_changed(&mut self) {
        if let State::Over { at, .. } = self.state {
            self.state = State::Unknown { over_at: Some(at) };
        }
        self.cookie.until = None;
    }

    /// Whether somebody has signed in or out since what this page knows.
    pub(super) fn is_of_another_session(&self, now: Millis, word: Word) -> bool {
        let is_news = now - word.age > self.cookie.at;
        let begins_or_ends = matches!(word.news, News::SignedIn | News::SignedOut);
        is_news && (begins_or_ends || self.is_anothers(word))
    }

    /// Tells the peers what came about at that moment.
    pub(super) fn tell(
        &mut self,
        now: Millis,
        news: News,
        moment: Millis,
        span: Millis,
        cause: Cause,
    ) {
        let sent_at = match news {
            News::Refreshed | News::SignedOut => self.cookie.sent_at.min(moment),
            _ => moment,
        };
        self.actions.push(Action::Tell(Word {
            news,
            age: now - moment,
            span,
            sent: now - sent_at,
            cause,
            status: self.flight.credit.status,
            key: self.flight.unsettled.unwrap_or_default(),
            address: self.pacing.latest,
            session: self.cookie.name,
            subject: self.cookie.subject,
            lifetime: self.learning.known,
        }));
    }

    fn learn_sign_out(&mut self, now: Millis, moment: Millis, word: Word) {
        let sent_at = now - word.sent.max(word.age);
        if self.has_begun_since(sent_at) {
            return self.forget_which_came_last();
        }
        self.leave_to_peer(word);
        let known = matches!(self.state, State::Over { .. });
        self.end_by_sign_out(now, moment, sent_at);
        if !known {
            self.announce(Event::Expired, Cause::SignedOut, word.status);
        }
    }

    fn learn_failure(&mut self, now: Millis, moment: Millis, word: Word) {
        self.leave_to_peer(word);
        if word.cause != Cause::Answered {
            self.doubt.extend(moment);
        }
        self.pacing
            .unavailable
            .hold(moment + word.span.min(LONGEST_PAUSE));
        if self.pacing.unavailable.holds(now) {
            // Who signs in or out does not wait for the pause, and neither does what holds the lock.
            if self.wanting_lock().is_none()
                && !matches!(self.refresh, Refresh::Signing { .. } | Refresh::Leftover)
            {
                self.cool(now);
            }
            self.announce(Event::Unavailable, word.cause, word.status);
        }
    }

    fn learn_success(&mut self, now: Millis, moment: Millis, word: Word) {
        let sent_at = now - word.sent.max(word.age);
        if sent_at + GRAIN < self.cookie.session_at {
            // Of a session before: its cookies have replaced those of the sign-in.
            if self.state == State::Active {
                self.supersede(now);
            }
            return;
        }
        let is_settled = word.key.seed != 0.0 && self.flight.settled == word.key;
        if self.state == State::Active && (is_settled || sent_at < self.cookie.at) {
            // Its cookies were found to be there already.
            return;
        }
        self.flight.settled = word.key;
        self.leave_to_peer(word);
        self.learning.conclude();
        let until = lifetime_of(word).map(|life| moment + life);
        if self.is_anothers(word) {
            self.begin(now, moment, word.session, State::Active);
            self.adopt(word);
            self.cookie.until = until;
        } else {
            self.adopt(word);
            self.advance(moment, sent_at);
            self.succeed(now, until);
            // No refresh is answered in no time.
            self.cookie.is_found = sent_at >= moment;
        }
    }

    /// The latest refresh is a peer's. Where there are no locks, ours may be under way all the same.
    fn leave_to_peer(&mut self, word: Word) {
        if self.is_underway() {
            return;
        }
        self.flight.unsettled = Some(word.key);
        self.flight.credit.client = None;
        self.flight.credit.cause = word.cause;
        self.flight.credit.status = word.status;
    }

    /// A session that this page has not seen to begin is the one that peers know.
    fn adopt(&mut self, word: Word) {
        if word.session.seed != 0.0 {
            self.cookie.name = word.session;
        }
        self.cookie.know(word.subject);
        self.cookie.is_learnt = word.lifetime.is_used();
        self.learning.hear(word.lifetime);
    }

    fn is_of_this_session(&self, word: Word) -> bool {
        word.session.seed != 0.0 && self.cookie.name == word.session
    }

    fn is_anothers(&self, word: Word) -> bool {
        self.cookie.name.differs(word.session) || self.cookie.is_anothers(word.subject)
    }
}

/// How long the access cookie lives that the word tells of, if it says.
fn lifetime_of(word: Word) -> Option<Millis> {
    (word.span > 0.0).then_some(word.span)
}

/// Whether the session was found to be alive by an answer, and nobody has seen it begin.
fn is_find(word: Word) -> bool {
    word.news == News::SignedIn && word.cause == Cause::Answered
}

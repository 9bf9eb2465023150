//! Whatever happens, in whatever order: what [`World`] checks at each step holds, and all comes to an end.

use proptest::{prelude::*, sample::Index};

use super::{cases, world::*};
use crate::core::{Cause, ClientId, Event, Kind, Millis, News, RefreshEnd, Standing};

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Call(ClientId, Kind),
    /// Of those on the wire.
    Answer(Index, u16),
    Reject(Index),
    /// Of those that are not settled.
    Abort(Index),
    DropBody(Index),
    /// The end of the latest refresh, or of one before: then it is stale.
    EndRefresh {
        back: usize,
        end: RefreshEnd,
    },
    /// Somebody has signed in beside us.
    SignedIn,
    /// From now on the server announces this one.
    Lifetime(Millis),
    Dispose(ClientId),
    Pass(Millis),
    Sleep(Millis),
    /// A peer says so, of what came about so long ago.
    Word(News, Millis, Millis),
    /// The same, kept for whoever asks for the lock.
    Keep(News, Millis, Millis),
    /// A peer takes the lock, or gives it back.
    PeerLock,
    /// From the back-forward cache.
    Return,
}

fn step() -> impl Strategy<Value = Step> {
    let client = || (0_u32..3).prop_map(ClientId);
    let any = any::<Index>;
    prop_oneof![
        8 => (client(), kind()).prop_map(|(client, kind)| Step::Call(client, kind)),
        8 => (any(), status()).prop_map(|(call, status)| Step::Answer(call, status)),
        1 => any().prop_map(Step::Reject),
        2 => any().prop_map(Step::Abort),
        2 => any().prop_map(Step::DropBody),
        6 => (prop_oneof![8 => Just(0), 1 => 1_usize..3], end())
            .prop_map(|(back, end)| Step::EndRefresh { back, end }),
        1 => Just(Step::SignedIn),
        1 => lifetime().prop_map(Step::Lifetime),
        1 => client().prop_map(Step::Dispose),
        4 => span().prop_map(Step::Pass),
        2 => span().prop_map(Step::Sleep),
    ]
}

/// What happens to a tab that is alone, or to one that has peers.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let shared = prop_oneof![4 => step(), 1 => step_of_peers()];
    prop_oneof![
        prop::collection::vec(step(), 1..60),
        prop::collection::vec(shared, 1..60),
    ]
}

fn step_of_peers() -> impl Strategy<Value = Step> {
    // As long as a refresh is given, or a little longer.
    let until = || 0.0..2.0 * TIMEOUT;
    prop_oneof![
        2 => (news(), span(), until()).prop_map(|(news, age, span)| Step::Word(news, age, span)),
        1 => (news(), span(), until()).prop_map(|(news, age, span)| Step::Keep(news, age, span)),
        3 => Just(Step::PeerLock),
        1 => Just(Step::Return),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        12 => Just(Kind::Request { replayable: true }),
        2 => Just(Kind::Request { replayable: false }),
        2 => Just(Kind::SignOut),
        1 => Just(Kind::SignIn),
        1 => Just(Kind::Refresh),
        1 => (0.0..1e5).prop_map(|max_age| Kind::EnsureFresh { max_age }),
        1 => Just(Kind::EnsureFresh { max_age: f64::NAN }),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![5 => Just(401), 3 => Just(200), 1 => Just(404), 1 => Just(503)]
}

fn end() -> impl Strategy<Value = RefreshEnd> {
    let retry_after = || prop::option::of(-1e4..1e5);
    let refused = prop_oneof![Just(429), Just(503)];
    prop_oneof![
        4 => Just(answered(200, None)),
        2 => Just(answered(401, None)),
        2 => (refused, retry_after()).prop_map(|(status, after)| answered(status, after)),
        3 => Just(RefreshEnd::Lost),
    ]
}

fn lifetime() -> impl Strategy<Value = Millis> {
    prop_oneof![
        4 => 0.0..1e6,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-1.0),
    ]
}

fn news() -> impl Strategy<Value = News> {
    prop_oneof![
        Just(News::Started),
        Just(News::Refreshed),
        Just(News::Expired),
        Just(News::Unavailable),
        Just(News::SignedIn),
        Just(News::SignedOut),
    ]
}

/// From nothing over a second or so to a night.
fn span() -> impl Strategy<Value = Millis> {
    prop_oneof![
        1 => Just(0.0),
        4 => 0.0..2.0 * SECOND,
        3 => 0.0..2.0 * TIMEOUT,
        1 => 0.0..8.0 * HOUR,
    ]
}

impl World {
    fn happen(&mut self, step: &Step) {
        self.alone &= !matches!(step, Step::Word(..) | Step::Keep(..) | Step::PeerLock);
        match step {
            Step::Call(client, kind) => {
                self.call_of(*client, *kind);
            }
            Step::Answer(call, status) => {
                if let Some(call) = pick(call, &self.on_wire()) {
                    self.answer(call, *status);
                }
            }
            Step::Reject(call) => {
                if let Some(call) = pick(call, &self.on_wire()) {
                    self.reject(call);
                }
            }
            Step::Abort(call) => {
                if let Some(call) = pick(call, &self.unsettled()) {
                    self.abort(call);
                }
            }
            Step::DropBody(call) => {
                let mut holding = self.unsettled();
                holding.retain(|call| self.is_holding(*call));
                if let Some(call) = pick(call, &holding) {
                    self.drop_body(call);
                }
            }
            Step::EndRefresh { back, end } => {
                let refresh = self.refreshes.iter().rev().nth(*back).copied();
                if let Some(refresh) = refresh {
                    self.end_refresh(refresh.number, *end);
                }
            }
            Step::SignedIn => self.signed_in(),
            Step::Lifetime(lifetime) => self.grant.lifetime = *lifetime,
            Step::Dispose(client) => self.dispose(*client),
            Step::Pass(span) => self.pass(*span),
            Step::Sleep(span) => self.sleep(*span),
            Step::Word(news, age, span) => self.hear_of(*news, *age, *span),
            Step::Keep(news, age, span) => self.keep(*news, *age, *span),
            Step::PeerLock => match self.lock {
                Lock::Free => self.peer_locks(),
                Lock::Peers { .. } => self.peer_unlocks(),
                Lock::Ours => {}
            },
            Step::Return => self.come_back(),
        }
    }

    /// All that is on the wire is answered, and time passes for as long as anybody waits.
    fn come_to_rest(&mut self) {
        self.fates = vec![Fate::Renews];
        if let Lock::Peers { .. } = self.lock {
            self.peer_unlocks();
        }
        for _ in 0..100 {
            self.serve();
            match self.timer() {
                Some(moment) => self.pass((moment - self.now).max(0.0)),
                None => return,
            }
        }
        panic!("it does not come to rest");
    }
}

fn pick<T: Copy>(index: &Index, from: &[T]) -> Option<T> {
    (!from.is_empty()).then(|| *index.get(from))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(2_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_every_call_settles_once_and_then_nothing_waits(
        steps in steps()
    ) {
        let mut world = World::new();
        for step in &steps {
            world.happen(step);
        }
        world.come_to_rest();
        prop_assert_eq!(world.unsettled(), []);
        prop_assert_eq!(world.timer(), None);
        prop_assert_ne!(world.standing(), Standing::Refreshing);
    }

    #[test]
    fn whatever_has_happened_the_session_recovers_by_itself_or_by_a_sign_in(
        steps in steps()
    ) {
        let mut world = World::new();
        for step in &steps {
            if !matches!(step, Step::Keep(News::SignedOut, ..)) {
                world.happen(step);
            }
        }
        world.come_to_rest();
        world.pass(HOUR);
        world.expire_token();
        let mut call = world.fetch();
        world.serve();
        if world.standing() == Standing::Expired {
            world.sign_in(200);
            world.expire_token();
            call = world.fetch();
            world.serve();
        }
        prop_assert_eq!(world.got(call), OK);
    }

    #[test]
    fn a_server_that_refuses_no_refresh_signs_nobody_out(
        steps in steps()
    ) {
        let mut world = World::new();
        for step in &steps {
            if !step.ends_session() {
                world.happen(step);
            }
        }
        let is_refused = |it: &&(Event, Cause)| **it == (Event::Expired, Cause::Answered);
        prop_assert_eq!(world.events.iter().filter(is_refused).count(), 0);
    }
}

impl Step {
    fn ends_session(&self) -> bool {
        match self {
            Self::EndRefresh { end, .. } => {
                matches!(end, RefreshEnd::Answered { status: 401, .. })
            }
            Self::Word(news, ..) | Self::Keep(news, ..) => {
                matches!(news, News::Expired | News::SignedOut)
            }
            _ => false,
        }
    }
}

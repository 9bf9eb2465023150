//! What is to happen in a round: a pure function of its seed.

use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// How many tabs a round has.
pub(crate) const TABS: usize = 3;

/// Milliseconds that a round's steps are spread over.
const LENGTH: u64 = 700;

/// How many requests of a kind the forecast reaches to.
const FORESEEN: usize = 60;

pub(crate) struct Plan {
    /// In the order in which they are taken.
    pub(crate) steps: Vec<Step>,
    pub(crate) forecast: Forecast,
}

#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// Milliseconds from the beginning of the round.
    pub(crate) at: u64,
    pub(crate) deed: Deed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Call { tab: usize, kind: Kind },
    Expire,
    Reload { tab: usize },
    Close { tab: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    /// A note of so many characters.
    Post(usize),
    SignIn(User),
    /// By a form, which no client sees.
    Form(User),
    SignOut,
}

/// Who can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Ada,
    Grace,
}

impl User {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Grace => "grace",
        }
    }

    pub(crate) fn password(self) -> &'static str {
        match self {
            Self::Ada => "correct horse",
            Self::Grace => "battery staple",
        }
    }

    fn drawn(random: &mut ChaCha8Rng) -> Self {
        if random.random_bool(0.5) {
            Self::Ada
        } else {
            Self::Grace
        }
    }
}

/// What the requests of each kind meet, in the order in which they arrive. Those after the last meet nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forecast {
    pub(crate) refresh: Vec<Fault>,
    pub(crate) get: Vec<Fault>,
    pub(crate) post: Vec<Fault>,
    pub(crate) sign_out: Vec<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It arrives so many milliseconds late.
    Delay(u64),
    /// The work is done at once, the answer is so many milliseconds late.
    Latency(u64),
    /// The connection is closed, and nothing is done.
    Drop,
    /// All is done, then the connection is closed.
    Lost,
    /// Nothing is done, and there is no answer for as long as the round lasts.
    Hang,
    /// That is the answer, and nothing is done.
    Status(u16),
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut steps = calls(&mut random);
        steps.extend(some(&mut random, 1, 4, |_| Deed::Expire));
        // A third of the rounds each has nobody leave, or nobody sign in or out: what goes wrong in them has no excuse.
        if random.random_bool(0.66) {
            steps.extend(some(&mut random, 1, 3, |random| Deed::Reload {
                tab: tab(random),
            }));
            steps.extend(some(&mut random, 0, 2, |random| Deed::Close {
                tab: tab(random),
            }));
        }
        if random.random_bool(0.33) {
            steps.extend(some(&mut random, 1, 3, |random| Deed::Call {
                tab: tab(random),
                kind: Kind::SignOut,
            }));
            steps.extend(some(&mut random, 0, 3, |random| Deed::Call {
                tab: tab(random),
                kind: Kind::SignIn(User::drawn(random)),
            }));
            steps.extend(some(&mut random, 0, 1, |random| Deed::Call {
                tab: tab(random),
                kind: Kind::Form(User::drawn(random)),
            }));
        }
        // Stable: what is to happen at the same time happens in the order in which it was drawn.
        steps.sort_by_key(|step| step.at);
        Self {
            steps,
            forecast: Forecast::drawn(&mut random),
        }
    }

    /// Whether nothing but an expired token is in the way of anybody.
    pub(crate) fn is_harmless(&self) -> bool {
        self.forecast.is_harmless() && !self.has_sessions_changed()
    }

    /// Whether anybody signs in or out.
    pub(crate) fn has_sessions_changed(&self) -> bool {
        self.steps.iter().any(|step| {
            matches!(
                step.deed,
                Deed::Call {
                    kind: Kind::SignIn(_) | Kind::Form(_) | Kind::SignOut,
                    ..
                }
            )
        })
    }
}

/// Requests come in bursts, as pages make them.
fn calls(random: &mut ChaCha8Rng) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..random.random_range(3..9) {
        let at = random.random_range(0..LENGTH);
        let tab = tab(random);
        for _ in 0..random.random_range(1..7) {
            let kind = if random.random_bool(0.3) {
                Kind::Post(random.random_range(1..3000))
            } else {
                Kind::Get
            };
            let deed = Deed::Call { tab, kind };
            steps.push(Step { at, deed });
        }
    }
    steps
}

fn some(
    random: &mut ChaCha8Rng,
    least: usize,
    most: usize,
    deed: impl Fn(&mut ChaCha8Rng) -> Deed,
) -> Vec<Step> {
    let count = random.random_range(least..=most);
    (0..count)
        .map(|_| Step {
            at: random.random_range(0..LENGTH),
            deed: deed(random),
        })
        .collect()
}

fn tab(random: &mut ChaCha8Rng) -> usize {
    random.random_range(0..TABS)
}

impl Forecast {
    fn drawn(random: &mut ChaCha8Rng) -> Self {
        // From fair weather to storm.
        let refresh = [0.0, 0.3, 0.6][random.random_range(0..3)];
        let api = [0.0, 0.05, 0.2][random.random_range(0..3)];
        Self {
            refresh: faults(random, refresh, &Fault::of_refresh),
            get: faults(random, api, &Fault::of_get),
            post: faults(random, api, &Fault::of_post),
            sign_out: faults(random, api, &Fault::of_sign_out),
        }
    }

    fn is_harmless(&self) -> bool {
        let faults = [&self.refresh, &self.get, &self.post, &self.sign_out];
        faults
            .into_iter()
            .flatten()
            .all(|fault| matches!(fault, Fault::Delay(_) | Fault::Latency(_)))
    }
}

fn faults(
    random: &mut ChaCha8Rng,
    share: f64,
    one: &dyn Fn(&mut ChaCha8Rng) -> Fault,
) -> Vec<Fault> {
    (0..FORESEEN)
        .map(|_| {
            if random.random_bool(share) {
                one(random)
            } else {
                Fault::slow(random)
            }
        })
        .collect()
}

impl Fault {
    /// The network as it always is.
    fn slow(random: &mut ChaCha8Rng) -> Self {
        let late = [0, 0, 5, 30, 120][random.random_range(0..5)];
        if random.random_bool(0.5) {
            Self::Delay(late)
        } else {
            Self::Latency(late)
        }
    }

    fn of_refresh(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..11) {
            0 | 1 => Self::Lost,
            // Of somebody in between: a deploy, a gateway, a firewall.
            8 => Self::Status(404),
            9 => Self::Status(502),
            10 => Self::Status(403),
            2 => Self::Drop,
            3 => Self::Hang,
            4 => Self::Latency(600),
            5 => Self::Delay(600),
            6 => Self::Status(429),
            _ => Self::Status(503),
        }
    }

    fn of_get(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..5) {
            0 => Self::Lost,
            1 => Self::Drop,
            2 => Self::Hang,
            3 => Self::Latency(400),
            _ => Self::Status(500),
        }
    }

    fn of_sign_out(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..5) {
            0 => Self::Lost,
            1 => Self::Drop,
            2 => Self::Latency(400),
            3 => Self::Status(403),
            _ => Self::Status(500),
        }
    }

    /// Never lost once it was carried out: a browser may send it again by itself, and then it is done twice without us.
    fn of_post(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..4) {
            0 => Self::Drop,
            1 => Self::Latency(400),
            2 => Self::Delay(400),
            _ => Self::Status(500),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;

    #[test]
    fn a_plan_is_a_pure_function_of_its_seed() {
        let told = |seed| {
            let plan = Plan::of(seed);
            let steps: Vec<_> = plan.steps.iter().map(|step| (step.at, step.deed)).collect();
            format!("{steps:?} {:?}", plan.forecast)
        };
        assert_eq!(told(7), told(7));
        assert_ne!(told(7), told(8));
    }
}

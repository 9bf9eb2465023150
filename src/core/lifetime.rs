use super::Millis;

/// A shorter one is not believed: a refresh would be sent all the time.
const SHORTEST: Millis = 10_000.0;
/// Tokens are dated in whole seconds, so a lifetime that was learnt is over so much before.
const LEAD: Millis = 1_000.0;
/// Two ages agree if they differ by no more than this part of the larger one.
const TOLERANCE: f64 = 0.1;
/// How often in a row what was learnt is used. Then an expiry is met as if nothing had been, or it would never be seen that
/// tokens live longer by now.
const USES: u32 = 8;
/// So often a server may change its mind. Then nothing is learnt of it any more.
const CHANGES: u32 = 2;

/// How long access tokens live, as far as this origin has found out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lifetime {
    /// The age at which an expiry was met last, or the smallest of those that agree; 0 if none was.
    pub(crate) age: Millis,
    /// 0: it was met once. Otherwise two in a row agreed, and one less is how often that was used since.
    pub(crate) uses: u32,
    /// How often the server has changed its mind.
    pub(crate) changes: u32,
}

/// Finds it out, where the server announces nothing. An expiry that a refresh cures says that the lifetime is no longer than the
/// age of the cookie.
#[derive(Clone, Debug)]
pub(crate) struct Learning {
    pub(crate) is_on: bool,
    pub(crate) known: Lifetime,
    /// What was known before the latest expiry, which may prove to be none.
    pub(crate) before: Lifetime,
    /// The age at which the cookie of now was refused, if it was.
    pub(crate) met: Option<Millis>,
    /// Where an expiry was met last.
    pub(crate) address: u32,
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            is_on: true,
            known: Lifetime::default(),
            before: Lifetime::default(),
            met: None,
            address: 0,
        }
    }
}

impl Lifetime {
    /// Whether a cookie is used for so long, and not for as long as its server says.
    pub(crate) fn is_used(self) -> bool {
        self.uses > 1
    }

    fn is_learnt(self) -> bool {
        self.uses > 0
    }

    /// What is known now that one was met at that age.
    fn taught(self, age: Millis) -> Self {
        let agrees = (self.age - age).abs() <= TOLERANCE * self.age.max(age);
        match self {
            _ if agrees => Self {
                age: self.age.min(age),
                uses: 1,
                ..self
            },
            // Nobody asked between that age and this one.
            _ if self.is_learnt() && age > self.age => Self { uses: 1, ..self },
            _ => Self {
                age,
                ..self.forgotten()
            },
        }
    }

    /// It is not so, or not any more.
    fn forgotten(self) -> Self {
        Self {
            age: 0.0,
            uses: 0,
            changes: self.changes + u32::from(self.is_learnt()),
        }
    }

    /// Which of two is known better: the larger.
    fn rank(self) -> u32 {
        4 * self.changes + 2 * u32::from(self.is_learnt()) + u32::from(self.age > 0.0)
    }
}

impl Learning {
    /// A request to that address was refused, `age` after the request for its cookie was sent.
    pub(crate) fn meet(&mut self, address: u32, age: Millis) {
        if self.is_on && self.met.is_none() && age >= SHORTEST && age.is_finite() {
            self.met = Some(age);
            self.address = address;
        }
    }

    /// A refresh has replaced that cookie.
    pub(crate) fn conclude(&mut self) {
        if let Some(age) = self.met.take() {
            self.before = self.known;
            self.known = self.known.taught(age);
        }
    }

    /// It did not help there, so that was no expiry. Returns whether it may have been taken for one.
    pub(crate) fn take_back(&mut self, address: u32) -> bool {
        let is_there = self.address == address;
        if is_there {
            self.known = self.before;
        }
        is_there
    }

    /// A request to that address was let in with a cookie of that age. Returns whether it is older than was thought possible.
    pub(crate) fn outlive(&mut self, address: u32, age: Millis) -> bool {
        let known = self.known.age;
        let outlives = self.address == address
            && known > 0.0
            && age.is_finite()
            && age > known * (1.0 + TOLERANCE);
        if outlives {
            self.known = self.known.forgotten();
            self.before = self.known;
        }
        outlives
    }

    /// What a peer knows.
    pub(crate) fn hear(&mut self, known: Lifetime) {
        if known.rank() > self.known.rank() {
            self.known = known;
            self.before = known;
        } else if known.rank() == self.known.rank() {
            self.known.age = self.known.age.min(known.age);
            self.known.uses = self.known.uses.max(known.uses);
        }
    }

    /// How long the cookie is to be used that has come just now, if that was learnt.
    pub(crate) fn use_it(&mut self) -> Option<Millis> {
        let Lifetime { age, uses, changes } = self.known;
        if !self.is_on || uses == 0 || changes >= CHANGES {
            return None;
        }
        self.known.uses = if uses > USES { 1 } else { uses + 1 };
        (uses <= USES).then_some(age - LEAD)
    }
}

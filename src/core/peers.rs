use super::{Cause, Lifetime, Millis};

/// What peers tell each other: the tabs, workers and clients of other bundles that share the cookies of one refresh URL.
///
/// None of it is needed for a tab to work. A word may come late, twice, out of order or never; so it says how old it
/// is, and what is older than what we know is no news.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Word {
    pub(crate) news: News,
    /// How long ago it came about.
    pub(crate) age: Millis,
    /// How long what it tells of takes: a refresh at the most, a pause at least, the life of a cookie if that is known.
    pub(crate) span: Millis,
    /// How long ago the refresh or the sign-out was sent that it is about.
    pub(crate) sent: Millis,
    /// What brought it about.
    pub(crate) cause: Cause,
    /// The status of the answer behind it; 0 if there was none.
    pub(crate) status: u16,
    /// The refresh that it is about.
    pub(crate) key: Key,
    /// Where a request was refused last: a success there is news.
    pub(crate) address: u32,
    /// Which session it is about, if that is known.
    pub(crate) session: Key,
    /// Whose that is; 0 if nobody knows.
    pub(crate) subject: u32,
    /// What was learnt of the lifetime of access tokens.
    pub(crate) lifetime: Lifetime,
}

/// Names a refresh, the same each time that it is sent (what its `Idempotency-Key` is made of), or a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Key {
    /// A random number of the tab, worker or bundle that began it; 0 if nobody knows.
    pub(crate) seed: f64,
    /// Which of its refreshes or sessions it was.
    pub(crate) number: u32,
}

/// What a word tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A refresh has been sent, and counts as lost after `span`.
    Started = 0,
    /// The access cookie was renewed.
    Refreshed = 1,
    /// The session is over: a refresh was refused, or somebody else's cookies are there.
    Expired = 2,
    /// A refresh failed; nobody is to send another one for `span`.
    Unavailable = 3,
    SignedIn = 4,
    SignedOut = 5,
}

impl News {
    const ALL: [Self; 6] = [
        Self::Started,
        Self::Refreshed,
        Self::Expired,
        Self::Unavailable,
        Self::SignedIn,
        Self::SignedOut,
    ];

    /// What is written as that number; other deployments write the same.
    pub(crate) fn from_code(code: f64) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }
}

impl Key {
    /// Whether both are known, and not the same.
    pub(crate) fn differs(self, other: Self) -> bool {
        self.seed != 0.0 && other.seed != 0.0 && self != other
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, News};

    #[test]
    fn what_is_written_as_a_number_is_read_as_the_same() {
        for news in News::ALL {
            assert_eq!(News::from_code(f64::from(news as u32)), Some(news));
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::from_code(f64::from(cause as u32)), Some(cause));
        }
        assert_eq!(News::from_code(99.0), None);
        assert_eq!(Cause::from_code(99.0), None);
    }
}

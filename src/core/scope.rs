/// Where a request goes: an origin and a path, as the URL parser gave them. The query plays no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) origin: String,
    pub(crate) path: String,
}

impl Address {
    /// Whether `other` lies at or below this address, by whole path segments: `/api` covers `/api` and
    /// `/api/notes`, and neither `/apix` nor another host whose name begins alike.
    fn covers(&self, other: &Self) -> bool {
        let prefix = self.path.strip_suffix('/').unwrap_or(&self.path);
        self.origin == other.origin
            && other.path.strip_prefix(prefix).is_some_and(|rest| {
                rest.starts_with('/') || (rest.is_empty() && !prefix.is_empty())
            })
    }
}

/// What a request is to us, judged by its address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not ours: `fetch` gets it untouched.
    Unguarded,
    /// In scope, on the page's own origin: the browser sends the cookies by itself.
    Guarded,
    /// In scope, on another origin: the cookies go along only if the request says so.
    GuardedElsewhere,
    /// A 2xx starts a session.
    SignIn,
    /// Ends the session.
    SignOut,
}

/// Which requests are guarded. `guard` and `exclude` are prefixes, the others are addresses of their own.
#[derive(Debug)]
pub(crate) struct Scope {
    /// The origin of the page (or worker) that we run in.
    pub(crate) home: String,
    pub(crate) refresh: Vec<Address>,
    pub(crate) guard: Vec<Address>,
    pub(crate) exclude: Vec<Address>,
    pub(crate) sign_in: Vec<Address>,
    pub(crate) sign_out: Vec<Address>,
}

impl Scope {
    pub(crate) fn place(&self, address: &Address) -> Place {
        // First, because an exclusion of the whole `/auth` must not hide the sign-in that lies in it.
        if self.sign_in.contains(address) {
            Place::SignIn
        } else if self.sign_out.contains(address) {
            Place::SignOut
        } else if self.refresh.contains(address)
            || self.exclude.iter().any(|prefix| prefix.covers(address))
            || !self.guard.iter().any(|prefix| prefix.covers(address))
        {
            Place::Unguarded
        } else if self.home == address.origin {
            Place::Guarded
        } else {
            Place::GuardedElsewhere
        }
    }
}

/// Where a request goes: an origin and, right after it, a path, as the URL parser gave them, and so in ASCII. The query
/// plays no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) Vec<u8>);

impl Address {
    /// Whether `other` lies at or below this address, by whole path segments: `/api` covers `/api` and
    /// `/api/notes`, and neither `/apix` nor another host whose name begins alike: a slash ends the host, too.
    fn covers(&self, other: &Self) -> bool {
        let prefix = self.0.strip_suffix(b"/").unwrap_or(&self.0);
        let rest = other.0.strip_prefix(prefix);
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }

    fn is_below(&self, prefixes: &[Self]) -> bool {
        prefixes.iter().any(|prefix| prefix.covers(self))
    }

    // Not inline: it is asked three times.
    #[inline(never)]
    fn is_one_of(&self, addresses: &[Self]) -> bool {
        addresses.contains(self)
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
    pub(crate) home: Address,
    pub(crate) refresh: Vec<Address>,
    pub(crate) guard: Vec<Address>,
    pub(crate) exclude: Vec<Address>,
    pub(crate) sign_in: Vec<Address>,
    pub(crate) sign_out: Vec<Address>,
}

impl Scope {
    pub(crate) fn place(&self, address: &Address) -> Place {
        // First, because an exclusion of the whole `/auth` must not hide the sign-in that lies in it.
        if address.is_one_of(&self.sign_in) {
            Place::SignIn
        } else if address.is_one_of(&self.sign_out) {
            Place::SignOut
        } else if address.is_one_of(&self.refresh)
            || address.is_below(&self.exclude)
            || !address.is_below(&self.guard)
        {
            Place::Unguarded
        } else if self.home.covers(address) {
            Place::Guarded
        } else {
            Place::GuardedElsewhere
        }
    }
}

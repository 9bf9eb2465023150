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
}

/// What a request is to us, judged by where it goes and by its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not ours: `fetch` gets it untouched.
    Unguarded,
    /// In scope.
    Guarded,
    /// Its success begins a session.
    SignIn,
    /// Its success ends the session.
    SignOut,
}

/// A sign-in or a sign-out.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// `None`: any that can change something.
    pub(crate) method: Option<String>,
}

impl Endpoint {
    fn is(&self, address: &Address, method: &str) -> bool {
        self.address == *address
            && match &self.method {
                Some(own) => own.eq_ignore_ascii_case(method),
                None => is_unsafe(method),
            }
    }
}

/// Which requests are guarded. `guard` and `exclude` are prefixes, the others are addresses of their own.
///
/// The JavaScript edge has its own (`pkg/scope.js`), because it is needed before the engine is there. Both are held to
/// one table, `tests/scope.json`.
#[derive(Debug)]
pub(crate) struct Scope {
    /// The origin of the page (or worker) that we run in.
    pub(crate) home: Address,
    pub(crate) refresh: Address,
    pub(crate) guard: Vec<Address>,
    pub(crate) exclude: Vec<Address>,
    pub(crate) sign_in: Vec<Endpoint>,
    pub(crate) sign_out: Vec<Endpoint>,
}

impl Scope {
    pub(crate) fn place(&self, address: &Address, method: &str) -> Place {
        let is_one_of = |endpoints: &[Endpoint]| endpoints.iter().any(|it| it.is(address, method));
        // First, because an exclusion of the whole `/auth` must not hide the sign-in that lies in it.
        if is_one_of(&self.sign_in) {
            Place::SignIn
        } else if is_one_of(&self.sign_out) {
            Place::SignOut
        } else if self.is_guarded(address) {
            Place::Guarded
        } else {
            Place::Unguarded
        }
    }

    /// Whether a request to that address, be it neither a sign-in nor a sign-out, is in scope.
    pub(crate) fn is_guarded(&self, address: &Address) -> bool {
        let mut endpoints = self.sign_in.iter().chain(&self.sign_out);
        address.is_below(&self.guard)
            && !address.is_below(&self.exclude)
            && *address != self.refresh
            && !endpoints.any(|endpoint| endpoint.address == *address)
    }

    /// Whether the cookies go along only if the request says so.
    pub(crate) fn is_elsewhere(&self, address: &Address) -> bool {
        !self.home.covers(address)
    }
}

/// Whether a request of that method has no body, and may be answered by the HTTP cache.
pub(crate) fn is_read(method: &str) -> bool {
    ["GET", "HEAD"]
        .iter()
        .any(|it| method.eq_ignore_ascii_case(it))
}

/// Whether a request of that method can change something (RFC 9110, section 9.2.1).
pub(crate) fn is_unsafe(method: &str) -> bool {
    let safe = ["GET", "HEAD", "OPTIONS", "TRACE"];
    !safe.iter().any(|safe| method.eq_ignore_ascii_case(safe))
}

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Headers, Request, RequestCredentials, RequestInit, Response};

use super::{
    Abandon, Wire,
    answer::{expect_response, is, read_body, within},
    globals, read_address,
    wire::{Said, add_csrf, hash},
};
use crate::{
    core::{Cookies, Credentials, Facts, Place, is_read},
    rust::{ReplyOf, Traced, TracedRequest, builder::IsExpired},
    web::Outgoing,
};

/// A request as it was when its caller made it, to be sent as often as need be with the same bytes.
///
/// Its caller has given it away, so nobody can change it. A body can be read once, so before each attempt a clone of
/// a request with one is kept; a stream is never cloned, and can be sent only once.
pub(super) struct OutgoingRequest {
    wire: Rc<Wire>,
    request: RefCell<Request>,
    /// What is changed about it.
    init: RequestInit,
    cloned: bool,
    pub(super) place: Place,
    pub(super) cookies: Cookies,
    /// What the latest answer to a sign-in or a sign-out says.
    said: Rc<Cell<Said>>,
    /// Whether the latest answer was judged to mean that the token has expired, where that takes its time.
    judged: Rc<Cell<bool>>,
    may_be_cached: Cell<bool>,
    /// What is told of it, if anybody asked.
    traced: Option<TracedRequest>,
}

thread_local! {
    /// Counts the calls that are told of.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

impl OutgoingRequest {
    pub(super) fn new(
        wire: Rc<Wire>,
        request: Request,
        replayable: bool,
        abandon: &Abandon,
    ) -> Self {
        let init = RequestInit::new();
        set(&init, "signal", &abandon.joined_with(&request.signal()));
        // Any `init` makes fetch forget a request's referrer (Fetch standard, constructor of Request, step 13).
        for name in ["referrer", "referrerPolicy"] {
            set(&init, name, &get(&request, name));
        }
        let address = read_address(&request.url());
        let place = address.as_ref().map_or(Place::Unguarded, |address| {
            wire.scope.place(address, &request.method())
        });
        let elsewhere = address.is_some_and(|address| wire.scope.is_elsewhere(&address));
        let traced = wire.trace.is_some().then(|| {
            let number = CALLS.get().wrapping_add(1);
            CALLS.set(number);
            TracedRequest::new(Some(number), &request.method(), &request.url())
        });
        Self {
            wire,
            // By method: Firefox does not tell the body of a `Request`.
            cloned: replayable && !is_read(&request.method()),
            cookies: Cookies::of(elsewhere, credentials(&request)),
            request: RefCell::new(request),
            init,
            place,
            said: Rc::default(),
            judged: Rc::default(),
            may_be_cached: Cell::default(),
            traced,
        }
    }

    /// What tells where it goes from other addresses: a hash (FNV-1a) of its URL without query and fragment.
    pub(super) fn address(&self) -> u32 {
        let url = self.request.borrow().url();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        hash(path)
    }

    /// Sends it, not to be sent again.
    pub(super) fn send_once(&self) -> Result<Promise, JsValue> {
        // Not borrowed while it is sent: to fetch may be the page's own code.
        let request = Clone::clone(&*self.request.borrow());
        self.wire.fetch(&request, &self.init)
    }
}

impl OutgoingRequest {
    /// What to send it with, this time.
    fn prepare(&self, request: &Request, again: bool) -> Result<RequestInit, JsValue> {
        let init = Object::assign(&Object::new(), self.init.unchecked_ref());
        let init: RequestInit = init.unchecked_into();
        if self.cookies == Cookies::Include {
            init.set_credentials(RequestCredentials::Include);
        }
        // What the cache has is what was refused.
        if again && is_read(&request.method()) && get(request, "cache") != "no-store" {
            set(&init, "cache", &"reload".into());
        }
        // It waited, and would go with its page.
        if self.place == Place::SignOut && globals::is_leaving() {
            set(&init, "keepalive", &JsValue::TRUE);
        }
        if let Some(csrf) = self.wire.csrf_for(&request.method()) {
            let headers = Headers::new_with_headers(&request.headers())?;
            add_csrf(csrf, &headers);
            init.set_headers(&headers);
        }
        Ok(init)
    }

    fn is_cached(&self, response: &Response) -> bool {
        let headers = response.headers();
        let get = |name| headers.get(name).ok().flatten();
        let is_storable = || match get("cache-control") {
            Some(control) => {
                let control = control.to_ascii_lowercase();
                !control.contains("no-store") && !control.contains("no-cache")
            }
            None => get("last-modified").or_else(|| get("expires")).is_some(),
        };
        self.may_be_cached.get() && response.ok() && is_storable()
    }
}

impl Outgoing for OutgoingRequest {
    fn send(&self, again: bool) -> Result<Promise, JsValue> {
        // Not borrowed while it is sent: to fetch may be the page's own code.
        let mut request = Clone::clone(&*self.request.borrow());
        if self.cloned {
            let kept = Request::clone(&request)?;
            request = self.request.replace(kept);
        }
        let skips_cache = ["no-store", "reload", "no-cache"]
            .iter()
            .any(|mode| get(&request, "cache") == *mode);
        self.may_be_cached
            .set(is_read(&request.method()) && !again && !skips_cache);
        let sent = self.wire.fetch(&request, &self.prepare(&request, again)?)?;
        let of = match self.place {
            Place::SignIn => Some(ReplyOf::SignIn),
            Place::SignOut => Some(ReplyOf::SignOut),
            Place::Guarded | Place::Unguarded => None,
        };
        if let Some(about) = &self.traced {
            let what = if again {
                Traced::SentAgain
            } else {
                Traced::Sent
            };
            self.wire.trace(|| what(about.clone()));
        }
        let (said, wire) = (Rc::clone(&self.said), Rc::clone(&self.wire));
        let (traced, judged) = (self.traced.clone(), Rc::clone(&self.judged));
        let is_judged = self.place != Place::SignIn;
        Ok(future_to_promise(async move {
            let answer = JsFuture::from(sent).await.and_then(expect_response);
            if let Some(about) = traced {
                wire.trace(|| Traced::of(about, &answer));
            }
            let response = answer?;
            if let Some(of) = of {
                let is_read = wire.interpret.is_some() || of == ReplyOf::SignIn && response.ok();
                // The caller's stays whole.
                let body = if is_read && let Ok(copy) = response.clone() {
                    read_body(&copy).await
                } else {
                    None
                };
                said.set(wire.read(of, response.status(), body.as_deref()));
            }
            if is_judged && let Some(IsExpired::Later(is_expired)) = &wire.is_expired {
                let answer = is_expired(Clone::clone(&response));
                judged.set(within(wire.refresh.timeout, answer).await);
            }
            Ok(response.into())
        }))
    }

    fn read(&self, response: &Response) -> Facts {
        let scope = &self.wire.scope;
        let mut facts = Facts::new(response.status());
        if response.redirected() {
            let is_guarded =
                |url: &str| read_address(url).is_some_and(|url| scope.is_guarded(&url));
            facts = facts.redirected(!is_guarded(&response.url()));
        } else if is(response, "opaqueredirect") {
            facts = facts.redirected(false);
        }
        if self.is_cached(response) {
            facts = facts.cached();
        }
        if self.place != Place::SignIn
            && let Some(is_expired) = &self.wire.is_expired
        {
            facts = facts.judged(match is_expired {
                IsExpired::AtOnce(is_expired) => is_expired(response),
                IsExpired::Later(_) => self.judged.get(),
            });
        }
        match self.said.get().outcome {
            Some(said) => facts.interpreted(said),
            None => facts,
        }
    }

    fn signal(&self) -> JsValue {
        get(&self.init, "signal")
    }

    fn lifetime(&self) -> f64 {
        self.said.get().grant.lifetime
    }

    fn subject(&self) -> u32 {
        self.said.get().grant.subject
    }
}

/// The credentials mode that the caller chose. A `Request` always has one: "same-origin" when nobody chose.
fn credentials(request: &Request) -> Option<Credentials> {
    match request.credentials() {
        RequestCredentials::Omit => Some(Credentials::Omit),
        RequestCredentials::Include => Some(Credentials::Include),
        _ => None,
    }
}

fn get(object: &JsValue, name: &str) -> JsValue {
    // It throws for what is no object, and these are.
    Reflect::get(object, &name.into()).unwrap_or_default()
}

fn set(init: &RequestInit, name: &str, value: &JsValue) {
    // It fails for objects that are frozen, and this one is ours.
    let _ = Reflect::set(init.unchecked_ref(), &name.into(), value);
}

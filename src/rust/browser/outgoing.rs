use std::{cell::RefCell, rc::Rc};

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Request, RequestCredentials, RequestInit, RequestMode};

use super::{Abandon, Wire};
use crate::{
    core::{Credentials, Policy},
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
        Self {
            wire,
            cloned: replayable && may_have_body(&request),
            request: RefCell::new(request),
            init,
        }
    }

    pub(super) fn url(&self) -> String {
        self.request.borrow().url()
    }

    /// The credentials mode that the caller chose. A `Request` always has one: "same-origin" when nobody chose.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        match self.request.borrow().credentials() {
            RequestCredentials::Omit => Some(Credentials::Omit),
            RequestCredentials::Include => Some(Credentials::Include),
            _ => None,
        }
    }

    /// Sends it, not to be sent again.
    pub(super) fn send_once(&self) -> Result<Promise, JsValue> {
        // Not borrowed while it is sent: to fetch may be the page's own code.
        let request = Clone::clone(&*self.request.borrow());
        self.wire.fetch(&request, &self.init)
    }
}

impl Outgoing for OutgoingRequest {
    fn send(&self) -> Result<Promise, JsValue> {
        if !self.cloned {
            return self.send_once();
        }
        let kept = Request::clone(&self.request.borrow())?;
        let request = self.request.replace(kept);
        self.wire.fetch(&request, &self.init)
    }

    fn is_unsafe(&self) -> bool {
        Policy::is_unsafe(&self.request.borrow().method())
    }

    fn signal(&self) -> JsValue {
        get(&self.init, "signal")
    }

    fn include_credentials(&self) {
        self.init.set_credentials(RequestCredentials::Include);
    }

    fn add_csrf(&self, stay: bool) -> Result<(), JsValue> {
        let headers = Headers::new_with_headers(&self.request.borrow().headers())?;
        self.wire.add_csrf(&headers)?;
        self.init.set_headers(&headers);
        if stay {
            self.init.set_mode(RequestMode::SameOrigin);
        }
        Ok(())
    }
}

/// By method: Firefox does not tell the body of a `Request`.
fn may_have_body(request: &Request) -> bool {
    !matches!(request.method().as_str(), "GET" | "HEAD")
}

fn get(object: &JsValue, name: &str) -> JsValue {
    // It throws for what is no object, and these are.
    Reflect::get(object, &name.into()).unwrap_or_default()
}

fn set(init: &RequestInit, name: &str, value: &JsValue) {
    // It fails for objects that are frozen, and this one is ours.
    let _ = Reflect::set(init.unchecked_ref(), &name.into(), value);
}

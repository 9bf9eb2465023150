//! The JavaScript edge: what the hand-written half of the npm package calls, and what it is called for.
//!
//! That half reads and checks the options, so what comes in here is in order.

use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::Url;

use crate::{
    core::{Cause, Event, Failure, Policy, Scope, Standing},
    web::{self, Config, Edge, RefreshRequest, address_of},
};

#[wasm_bindgen]
extern "C" {
    /// The hand-written half.
    pub type Host;
    #[wasm_bindgen(method, catch, js_name = fetch)]
    fn send(this: &Host, input: &JsValue, init: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = csrf)]
    fn csrf_value(this: &Host) -> JsValue;
    #[wasm_bindgen(method)]
    fn error(this: &Host, failure: u32, cause: &JsValue) -> JsValue;
    #[wasm_bindgen(method)]
    fn announce(this: &Host, event: u32, cause: u32, peer: bool);

    /// The options, read: every URL is absolute and a `URL`, what was left out is `undefined`.
    pub type Options;
    #[wasm_bindgen(method, getter)]
    fn home(this: &Options) -> String;
    #[wasm_bindgen(method, getter)]
    fn refresh(this: &Options) -> Url;
    #[wasm_bindgen(method, getter)]
    fn method(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Options) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = idempotencyKey)]
    fn idempotency_key(this: &Options) -> bool;
    #[wasm_bindgen(method, getter)]
    fn guard(this: &Options) -> Array;
    #[wasm_bindgen(method, getter)]
    fn exclude(this: &Options) -> Array;
    #[wasm_bindgen(method, getter, js_name = signIn)]
    fn sign_in(this: &Options) -> Option<Url>;
    #[wasm_bindgen(method, getter, js_name = signOut)]
    fn sign_out(this: &Options) -> Option<Url>;
    #[wasm_bindgen(method, getter, js_name = expiredStatuses)]
    fn expired_statuses(this: &Options) -> Vec<u16>;
    #[wasm_bindgen(method, getter)]
    fn timeout(this: &Options) -> f64;
    #[wasm_bindgen(method, getter, js_name = csrfHeader)]
    fn csrf_header(this: &Options) -> JsValue;
}

#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// The engine half of one client.
#[wasm_bindgen]
pub struct Engine(Rc<web::Client>);

#[wasm_bindgen]
impl Engine {
    /// Makes a client of options that have been read, for a host that does what the engine cannot.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &Options, host: Host) -> Engine {
        Engine(web::Client::new(read(options), Box::new(host)))
    }

    /// `fetch`.
    pub fn fetch(&self, input: &JsValue, init: &JsValue) -> Promise {
        self.0.fetch(input, init)
    }

    /// Resolves when the access cookie is no older than `max_age` milliseconds.
    #[wasm_bindgen(js_name = ensureFresh)]
    pub fn ensure_fresh(&self, max_age: Option<f64>, signal: JsValue) -> Promise {
        self.0.ensure_fresh(max_age, signal)
    }

    /// Refreshes, or joins the refresh under way.
    pub fn refresh(&self, signal: JsValue) -> Promise {
        self.0.refresh(signal)
    }

    /// What is known of the session: an index into the names that the types list.
    pub fn state(&self) -> u32 {
        match self.0.standing() {
            Standing::Unknown => 0,
            Standing::Active => 1,
            Standing::Refreshing => 2,
            Standing::Expired => 3,
        }
    }

    /// Ends the client. Its calls that wait are rejected.
    pub fn dispose(&self) {
        self.0.dispose();
    }
}

impl Edge for Host {
    fn fetch(&self, input: &JsValue, init: &JsValue) -> Result<Promise, JsValue> {
        self.send(input, init)
    }

    fn csrf(&self) -> JsValue {
        self.csrf_value()
    }

    fn error(&self, failure: Failure, cause: &JsValue) -> JsValue {
        self.error(failure as u32, cause)
    }

    fn announce(&self, event: Event, cause: Cause, peer: bool) {
        self.announce(event as u32, cause as u32, peer);
    }
}

fn read(options: &Options) -> Config {
    let all = |urls: Array| {
        urls.iter()
            .map(|url| address_of(url.unchecked_ref()))
            .collect()
    };
    let home = options.home();
    let url = options.refresh();
    let refresh = address_of(&url);
    let at_home = refresh.origin == home;
    Config {
        refresh: RefreshRequest {
            url: url.href().into(),
            method: options.method(),
            headers: options.headers(),
            home: at_home,
            idempotency_key: at_home || options.idempotency_key(),
        },
        csrf_header: options.csrf_header(),
        policy: Policy {
            scope: Scope {
                home,
                refresh,
                guard: all(options.guard()),
                exclude: all(options.exclude()),
                sign_in: options.sign_in().as_ref().map(address_of),
                sign_out: options.sign_out().as_ref().map(address_of),
            },
            expired_statuses: options.expired_statuses(),
            timeout: options.timeout(),
        },
    }
}

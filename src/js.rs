//! The JavaScript edge: what the hand-written half of the npm package calls, and what it is called for.
//!
//! That half reads and checks the options, so what comes in here is in order.

use std::rc::Rc;

use js_sys::{Array, Promise};
use lol_alloc::{FreeListAllocator, LockedAllocator};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::{AbortSignal, Response};

use crate::{
    core::{Address, Cause, Credentials, Event, Failure, Key, Place, Policy, Scope, Standing},
    web::{Client, Edge, Outgoing, view},
};

#[wasm_bindgen]
extern "C" {
    /// The hand-written half.
    pub type Host;
    #[wasm_bindgen(method, catch, js_name = refresh)]
    fn send_refresh(
        this: &Host,
        seed: f64,
        number: u32,
        signal: &AbortSignal,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = place)]
    fn place_of(this: &Host, response: &Response) -> u32;
    #[wasm_bindgen(method, js_name = error)]
    fn make_error(this: &Host, failure: u32, cause: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = announce)]
    fn send_event(this: &Host, event: u32, cause: u32, peer: bool);

    type List;
    #[wasm_bindgen(method, getter)]
    fn length(this: &List) -> u32;
    #[wasm_bindgen(method, indexing_getter)]
    fn number(this: &List, index: u32) -> u16;
    #[wasm_bindgen(method, indexing_getter)]
    fn text(this: &List, index: u32) -> String;

    /// A request that a caller has handed to `client.fetch`.
    pub type Request;
    #[wasm_bindgen(method, catch, js_name = send)]
    fn send_again(this: &Request) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, getter, js_name = isUnsafe)]
    fn is_unsafe_of(this: &Request) -> bool;
    #[wasm_bindgen(method, getter, js_name = signal)]
    fn signal_of(this: &Request) -> JsValue;
    #[wasm_bindgen(method, js_name = includeCredentials)]
    fn set_credentials(this: &Request);
    #[wasm_bindgen(method, catch, js_name = addCsrf)]
    fn set_csrf(this: &Request, stay: bool) -> Result<(), JsValue>;
}

#[global_allocator]
static ALLOCATOR: LockedAllocator<FreeListAllocator> =
    LockedAllocator::new(FreeListAllocator::new());

/// The engine half of one client.
#[wasm_bindgen]
pub struct Engine(Rc<Client>);

#[wasm_bindgen]
impl Engine {
    /// Makes a client of options that have been read, for a host that does what the engine cannot. Clients of the
    /// same `session`, which is the refresh URL, share it.
    ///
    /// `scope` is lists of addresses, each an origin and a path in one: where we run, the refresh, what is guarded,
    /// what is not, the sign-in and the sign-out, if there are any.
    #[wasm_bindgen(constructor)]
    pub fn new(
        session: &JsValue,
        host: Host,
        scope: &Array,
        expired_statuses: &Array,
        timeout: f64,
        csrf: bool,
        cross_tab: bool,
    ) -> Engine {
        let addresses = |kind| {
            let of_kind = scope.get(kind);
            list(&of_kind, |index| {
                Address(view::<List>(&of_kind).text(index))
            })
        };
        let policy = Policy {
            scope: Scope {
                home: Address(view::<List>(scope).text(0)),
                refresh: addresses(1),
                guard: addresses(2),
                exclude: addresses(3),
                sign_in: addresses(4),
                sign_out: addresses(5),
            },
            expired_statuses: list(expired_statuses, |index| {
                view::<List>(expired_statuses).number(index)
            }),
            timeout,
            csrf,
            cross_tab,
        };
        Engine(Client::new(session, policy, host))
    }

    /// What a request to that address is to the client: 0 if it is unguarded, something to hand to
    /// [`Engine::fetch`] otherwise.
    pub fn place(&self, address: String) -> u32 {
        self.0.place(&Address(address)) as u32
    }

    /// `fetch`, for a request that goes to that place. `credentials` is an index into the modes "omit", "same-origin"
    /// and "include", or beyond them.
    pub fn fetch(
        &self,
        place: u32,
        request: Request,
        replayable: bool,
        credentials: u32,
    ) -> Result<Promise, JsValue> {
        let credentials = match credentials {
            0 => Some(Credentials::Omit),
            1 => Some(Credentials::SameOrigin),
            2 => Some(Credentials::Include),
            _ => None,
        };
        self.0
            .fetch(decode(place), request, replayable, credentials)
    }

    /// Resolves when the access cookie is no older than `max_age` milliseconds.
    #[wasm_bindgen(js_name = ensureFresh)]
    pub fn ensure_fresh(&self, max_age: Option<f64>, signal: JsValue) -> Promise {
        self.0.ensure_fresh(max_age.unwrap_or(f64::NAN), signal)
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
    fn refresh(&self, key: Key, signal: &AbortSignal) -> Result<Promise, JsValue> {
        self.send_refresh(key.seed, key.number, signal)
    }

    fn place(&self, response: &Response) -> Place {
        decode(self.place_of(response))
    }

    fn error(&self, failure: Failure, cause: &JsValue) -> JsValue {
        self.make_error(failure as u32, cause)
    }

    fn announce(&self, event: Event, cause: Cause, peer: bool) {
        self.send_event(event as u32, cause as u32, peer);
    }
}

impl Outgoing for Request {
    fn send(&self) -> Result<Promise, JsValue> {
        self.send_again()
    }

    fn is_unsafe(&self) -> bool {
        self.is_unsafe_of()
    }

    fn signal(&self) -> JsValue {
        self.signal_of()
    }

    fn include_credentials(&self) {
        self.set_credentials();
    }

    fn add_csrf(&self, stay: bool) -> Result<(), JsValue> {
        self.set_csrf(stay)
    }
}

fn list<T>(items: &JsValue, read: impl Fn(u32) -> T) -> Vec<T> {
    let mut list = Vec::new();
    for index in 0..view::<List>(items).length() {
        list.push(read(index));
    }
    list
}

fn decode(place: u32) -> Place {
    match place {
        1 => Place::Guarded,
        2 => Place::GuardedElsewhere,
        3 => Place::SignIn,
        4 => Place::SignOut,
        _ => Place::Unguarded,
    }
}

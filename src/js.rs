//! The JavaScript edge: what the hand-written half of the npm package calls, and what it is called for.
//!
//! That half reads and checks the options, so what comes in here is in order.

use std::{cell::RefCell, rc::Rc};

use js_sys::Promise;
use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::Response;

use crate::{
    core::{Cause, Event, Facts, Failure, Key, Kind, Policy, Standing},
    web::{Client, Edge, Outgoing, update, view},
};

#[wasm_bindgen]
extern "C" {
    /// The hand-written half.
    pub type Host;
    #[wasm_bindgen(method, catch, js_name = refresh)]
    fn send_refresh(this: &Host, seed: f64, number: u32) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = error)]
    fn make_error(this: &Host, failure: u32, cause: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = announce)]
    fn send_event(this: &Host, event: u32, cause: u32, peer: bool, status: u16);

    /// An array of statuses.
    type List;
    #[wasm_bindgen(method, getter)]
    fn length(this: &List) -> u32;
    #[wasm_bindgen(method, indexing_getter)]
    fn at(this: &List, index: u32) -> u16;

    /// A request of a caller's that is ours.
    pub type Request;
    #[wasm_bindgen(method, catch, js_name = send)]
    fn send_once_more(this: &Request, again: bool) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = read)]
    fn facts_of(this: &Request, response: &Response) -> u32;
    #[wasm_bindgen(method, getter, js_name = signal)]
    fn signal_of(this: &Request) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = lifetime)]
    fn lifetime_of(this: &Request) -> f64;
    #[wasm_bindgen(method, getter, js_name = subject)]
    fn subject_of(this: &Request) -> u32;
}

#[global_allocator]
#[allow(
    unsafe_code,
    reason = "wasm32 without the feature `atomics` has one thread"
)]
static ALLOCATOR: AssumeSingleThreaded<FreeListAllocator> =
    unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };

thread_local! {
    /// The engine's halves of the clients. JavaScript knows each by its address.
    static CLIENTS: RefCell<Vec<Rc<Client>>> = const { RefCell::new(Vec::new()) };
}

/// Makes a client of options that have been read, for a host that does what the engine cannot. Clients of the
/// same `session` share it. The number names the client in what follows.
#[wasm_bindgen]
pub fn create(
    host: Host,
    session: &JsValue,
    expired_statuses: &JsValue,
    timeout: f64,
    cross_tab: bool,
    learn: bool,
) -> u32 {
    let statuses: &List = view(expired_statuses);
    let policy = Policy {
        expired_statuses: (0..statuses.length())
            .map(|index| statuses.at(index))
            .collect(),
        timeout,
        cross_tab,
        learn,
    };
    let client = Client::new(session, policy, host);
    let number = number(&client);
    clients(|clients| clients.push(client));
    number
}

/// `fetch`, for a request of that kind: 0 guarded, 1 a sign-in, 2 a sign-out. Of another name, lest it hide the browser's.
/// `address` is a hash of where it goes. `sent_at` is when its first attempt was sent, by `performance.now()`, if the
/// engine was not there yet, or `NaN`.
#[wasm_bindgen]
pub fn call(
    client: u32,
    kind: u32,
    request: Request,
    replayable: bool,
    address: u32,
    sent_at: f64,
) -> JsValue {
    let kind = match kind {
        1 => Kind::SignIn,
        2 => Kind::SignOut,
        _ => Kind::Request { replayable },
    };
    let sent_at = (!sent_at.is_nan()).then_some(sent_at);
    on(client, |client| {
        client.call(kind, request, address, sent_at)
    })
}

/// Resolves when the access cookie is no older than `max_age` milliseconds, or than it may be if that is `NaN`.
#[wasm_bindgen(js_name = ensureFresh)]
pub fn ensure_fresh(client: u32, max_age: f64, signal: JsValue) -> JsValue {
    on(client, |client| client.ensure_fresh(max_age, signal))
}

/// Refreshes, or joins the refresh under way.
#[wasm_bindgen]
pub fn refresh(client: u32, signal: JsValue) -> JsValue {
    on(client, |client| client.refresh(signal))
}

/// What is known of the session: an index into the names that the types list.
#[wasm_bindgen]
pub fn state(client: u32) -> u32 {
    find(client).map_or(0, |client| match client.standing() {
        Standing::Unknown => 0,
        Standing::Active => 1,
        Standing::Refreshing => 2,
        Standing::Expired => 3,
    })
}

/// Somebody has signed in, and no request of the client's told.
#[wasm_bindgen(js_name = signedIn)]
pub fn signed_in(client: u32) {
    if let Some(client) = find(client) {
        client.signed_in();
    }
}

/// Somebody has signed out, and no request of the client's told.
#[wasm_bindgen(js_name = signedOut)]
pub fn signed_out(client: u32) {
    if let Some(client) = find(client) {
        client.signed_out();
    }
}

/// Ends the client. Its calls that wait are rejected.
#[wasm_bindgen]
pub fn dispose(client: u32) {
    if let Some(client) = find(client) {
        client.dispose();
    }
    clients(|clients| clients.retain(|other| number(other) != client));
}

/// Does what was left to be done when something was thrown in the middle of it.
#[wasm_bindgen]
pub fn resume() {
    Client::resume_all();
}

fn clients<R: Default>(how: impl FnOnce(&mut Vec<Rc<Client>>) -> R) -> R {
    CLIENTS.with(|clients| update(clients, how))
}

fn number(client: &Rc<Client>) -> u32 {
    Rc::as_ptr(client) as usize as u32
}

fn find(client: u32) -> Option<Rc<Client>> {
    clients(|clients| {
        clients
            .iter()
            .find(|other| number(other) == client)
            .cloned()
    })
}

fn on(client: u32, call: impl FnOnce(&Rc<Client>) -> Promise) -> JsValue {
    find(client).map_or(JsValue::UNDEFINED, |client| call(&client).into())
}

impl Edge for Host {
    fn refresh(&self, key: Key) -> Result<Promise, JsValue> {
        self.send_refresh(key.seed, key.number)
    }

    fn error(&self, failure: Failure, cause: &JsValue) -> JsValue {
        self.make_error(failure as u32, cause)
    }

    fn announce(&self, event: Event, cause: Cause, peer: bool, status: u16) {
        self.send_event(event as u32, cause as u32, peer, status);
    }
}

impl Outgoing for Request {
    fn send(&self, again: bool) -> Result<Promise, JsValue> {
        self.send_once_more(again)
    }

    fn read(&self, response: &Response) -> Facts {
        Facts(self.facts_of(response))
    }

    fn signal(&self) -> JsValue {
        self.signal_of()
    }

    fn lifetime(&self) -> f64 {
        self.lifetime_of()
    }

    fn subject(&self) -> u32 {
        self.subject_of()
    }
}

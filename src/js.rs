//! The JavaScript edge: what the hand-written half of the npm package calls, and what it is called for.
//!
//! That half reads and checks the options, so what comes in here is in order.

use std::{cell::RefCell, rc::Rc};

use js_sys::Promise;
use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::{AbortSignal, Response};

use crate::{
    core::{Address, Cause, Credentials, Event, Failure, Key, Place, Policy, Scope, Standing},
    web::{Client, Edge, Outgoing, update, view},
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

    /// An array, or a string.
    type List;
    #[wasm_bindgen(method, getter)]
    fn length(this: &List) -> u32;
    #[wasm_bindgen(method, indexing_getter)]
    fn at(this: &List, index: u32) -> JsValue;
    #[wasm_bindgen(method, indexing_getter)]
    fn number_at(this: &List, index: u32) -> u16;
    #[wasm_bindgen(method, js_name = charCodeAt)]
    fn character_at(this: &List, index: u32) -> u8;

    /// A request that a caller has handed to `client.fetch`.
    pub type Request;
    #[wasm_bindgen(method, catch, js_name = send)]
    fn send_again(this: &Request) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = isUnsafe)]
    fn is_unsafe_of(this: &Request) -> bool;
    #[wasm_bindgen(method, getter, js_name = signal)]
    fn signal_of(this: &Request) -> JsValue;
    #[wasm_bindgen(method, js_name = include)]
    fn set_credentials(this: &Request);
    #[wasm_bindgen(method, catch, js_name = addCsrf)]
    fn set_csrf(this: &Request, stay: bool) -> Result<(), JsValue>;
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
/// same `session`, which is the refresh URL, share it. The number names the client in what follows.
///
/// `scope` is lists of addresses, each an origin and a path in one: where we run, the refresh, what is guarded,
/// what is not, the sign-in and the sign-out, if there are any.
#[wasm_bindgen]
pub fn create(
    host: Host,
    session: &JsValue,
    scope: &JsValue,
    expired_statuses: &JsValue,
    timeout: f64,
    csrf: bool,
    cross_tab: bool,
) -> u32 {
    let scope: &List = view(scope);
    let addresses = |kind| list(&scope.at(kind), |list, index| address(&list.at(index)));
    let policy = Policy {
        scope: Scope {
            home: address(&scope.at(0)),
            refresh: addresses(1),
            guard: addresses(2),
            exclude: addresses(3),
            sign_in: addresses(4),
            sign_out: addresses(5),
        },
        expired_statuses: list(expired_statuses, List::number_at),
        timeout,
        csrf,
        cross_tab,
    };
    let client = Client::new(session, policy, host);
    let number = number(&client);
    clients(|clients| clients.push(client));
    number
}

/// What a request to that address is to the client: 0 if it is unguarded, something to hand to [`call`] otherwise.
#[wasm_bindgen]
pub fn place(client: u32, to: &JsValue) -> u32 {
    find(client).map_or(0, |client| client.place(&address(to)) as u32)
}

/// `fetch`, for a request that goes to that place; of another name, lest it hide the browser's. `credentials` is an
/// index into the modes "omit", "same-origin" and "include", or beyond them.
#[wasm_bindgen]
pub fn call(
    client: u32,
    place: u32,
    request: Request,
    replayable: bool,
    credentials: u32,
) -> JsValue {
    let credentials = match credentials {
        0 => Some(Credentials::Omit),
        1 => Some(Credentials::SameOrigin),
        2 => Some(Credentials::Include),
        _ => None,
    };
    on(client, |client| {
        client
            .fetch(decode(place), request, replayable, credentials)
            .unwrap_or_else(|error| Promise::reject(&error))
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

/// Ends the client. Its calls that wait are rejected.
#[wasm_bindgen]
pub fn dispose(client: u32) {
    if let Some(client) = find(client) {
        client.dispose();
    }
    clients(|clients| clients.retain(|other| number(other) != client));
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

fn list<T>(items: &JsValue, read: impl Fn(&List, u32) -> T) -> Vec<T> {
    let items: &List = view(items);
    let mut list = Vec::new();
    for index in 0..items.length() {
        list.push(read(items, index));
    }
    list
}

/// Read letter by letter, for it is ASCII: so the glue needs no memory, no encoder and no allocator to pass strings.
fn address(text: &JsValue) -> Address {
    let text: &List = view(text);
    let letters = 0..text.length();
    Address(letters.map(|index| text.character_at(index)).collect())
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

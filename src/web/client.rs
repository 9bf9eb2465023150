use std::{cell::RefCell, rc::Rc};

use js_sys::{Map, Object, Promise};
use wasm_bindgen::JsValue;
use web_sys::{Response, Url};

use super::{
    Edge, RefreshRequest,
    bindings::{
        DOCUMENT, Document, Input, LOCATION, Location, ParsedUrl, is_absent, to_string, view,
    },
    driver::Driver,
    request::{Kept, chosen_credentials, is_request},
};
use crate::core::{Address, Answer, ClientId, Cookies, Kind, Place, Policy, Standing};

/// How many addresses are remembered. A page with more of them (ids in the path) starts over now and then.
const PLACES: u32 = 512;

/// One client: what it was configured with, and the session that it shares with others of its refresh URL.
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) policy: Policy,
    pub(crate) refresh: RefreshRequest,
    /// The name of the header that proves that a request comes from our own page, or `undefined`.
    csrf_header: JsValue,
    pub(crate) edge: Box<dyn Edge>,
    driver: Rc<Driver>,
    places: Map,
    /// What relative addresses were relative to when `places` was filled.
    base: RefCell<JsValue>,
}

/// What an edge has read from its caller's options.
pub(crate) struct Config {
    pub(crate) policy: Policy,
    pub(crate) refresh: RefreshRequest,
    pub(crate) csrf_header: JsValue,
}

impl Client {
    pub(crate) fn new(config: Config, edge: Box<dyn Edge>) -> Rc<Self> {
        let driver = Driver::of(&config.refresh.url);
        let client = Rc::new(Self {
            id: driver.new_client_id(),
            policy: config.policy,
            refresh: config.refresh,
            csrf_header: config.csrf_header,
            edge,
            driver,
            places: Map::new(),
            base: RefCell::default(),
        });
        client.driver.add(&client);
        client
    }

    pub(crate) fn fetch(self: &Rc<Self>, input: &JsValue, init: &JsValue) -> Promise {
        let sent = match self.place(input) {
            place @ (Place::Guarded | Place::GuardedElsewhere) => {
                self.fetch_guarded(place, input, init)
            }
            Place::SignOut => {
                Kept::new(input, init).map(|kept| self.call(Kind::SignOut, Some(kept)))
            }
            Place::SignIn => self
                .edge
                .fetch(input, init)
                .map(|answer| self.driver.watch_sign_in(&answer)),
            Place::Unguarded => self.edge.fetch(input, init),
        };
        sent.unwrap_or_else(|error| Promise::reject(&error))
    }

    /// Resolves when the access cookie is known to be no older than `max_age` milliseconds.
    pub(crate) fn ensure_fresh(self: &Rc<Self>, max_age: Option<f64>, signal: JsValue) -> Promise {
        self.driver
            .call(self, Kind::EnsureFresh { max_age }, None, signal)
    }

    pub(crate) fn refresh(self: &Rc<Self>, signal: JsValue) -> Promise {
        self.driver.call(self, Kind::Refresh, None, signal)
    }

    pub(crate) fn standing(&self) -> Standing {
        self.driver.standing()
    }

    pub(crate) fn dispose(&self) {
        self.driver.remove(self.id);
    }

    pub(crate) fn read(&self, response: &Response) -> Answer {
        let answer = self.policy.read(response.status());
        // Redirected out of scope: whatever that server wants, it is not our access token.
        let ours = !answer.expired
            || !response.redirected()
            || matches!(
                self.place(&response.url().into()),
                Place::Guarded | Place::GuardedElsewhere
            );
        Answer {
            expired: answer.expired && ours,
            ..answer
        }
    }

    /// The CSRF header as it is to be sent now. A cookie that is not there proves nothing, so nothing is sent.
    pub(crate) fn csrf(&self) -> Option<(&JsValue, JsValue)> {
        if self.csrf_header.is_undefined() {
            return None;
        }
        Some((&self.csrf_header, self.edge.csrf())).filter(|(_, value)| !value.is_undefined())
    }

    fn fetch_guarded(
        self: &Rc<Self>,
        place: Place,
        input: &JsValue,
        init: &JsValue,
    ) -> Result<Promise, JsValue> {
        let chosen = chosen_credentials(input, init).as_string();
        let cookies = self.policy.cookies(place, chosen.as_deref());
        if cookies == Cookies::Declined {
            return self.edge.fetch(input, init);
        }
        let mut kept = Kept::new(input, init)?;
        if cookies == Cookies::Include {
            kept.include_credentials();
        }
        if !self.csrf_header.is_undefined()
            && Policy::is_unsafe(&kept.method())
            && let Some((header, value)) = self.csrf()
        {
            kept.add_header(header, &value, place == Place::Guarded)?;
        }
        Ok(self.call(
            Kind::Request {
                replayable: kept.is_replayable(),
            },
            Some(kept),
        ))
    }

    fn call(self: &Rc<Self>, kind: Kind, kept: Option<Kept>) -> Promise {
        self.driver.call(self, kind, kept, JsValue::UNDEFINED)
    }

    fn place(&self, input: &JsValue) -> Place {
        let address = if input.is_string() {
            input.clone()
        } else if is_request(input) {
            view::<Input>(input).url()
        } else {
            to_string(input)
        };
        let base = base();
        if !Object::is(&base, &self.base.borrow()) || self.places.size() > PLACES {
            self.places.clear();
            self.base.replace(base);
        }
        if let Some(code) = self.places.get(&address).as_f64() {
            return decode(code);
        }
        let place = self
            .parse(&address)
            .map_or(Place::Unguarded, |it| self.policy.scope.place(&it));
        self.places.set(&address, &(place as u8).into());
        place
    }

    fn parse(&self, address: &JsValue) -> Option<Address> {
        let base = self.base.borrow();
        ParsedUrl::parse(address, &base)
            .ok()
            .map(|url| address_of(view(&url)))
    }
}

/// Where a URL lies.
pub(crate) fn address_of(url: &Url) -> Address {
    Address {
        origin: url.origin(),
        path: url.pathname(),
    }
}

fn decode(code: f64) -> Place {
    [
        Place::Guarded,
        Place::GuardedElsewhere,
        Place::SignIn,
        Place::SignOut,
    ]
    .into_iter()
    .find(|place| f64::from(*place as u8) == code)
    .unwrap_or(Place::Unguarded)
}

fn base() -> JsValue {
    let document = DOCUMENT.with(|document| document.as_ref().map(Document::base_uri));
    document
        .or_else(|| LOCATION.with(|location| location.as_ref().map(Location::href)))
        .filter(|base| !is_absent(base))
        .unwrap_or_default()
}

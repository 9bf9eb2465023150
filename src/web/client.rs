use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use web_sys::Response;

use super::{any::*, driver::Driver};
use crate::core::{Address, Answer, ClientId, Cookies, Credentials, Kind, Place, Policy, Standing};

/// One client: what it was configured with, and the session that it shares with others of its refresh URL.
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) policy: Policy,
    pub(crate) edge: AnyEdge,
    driver: &'static Driver,
}

impl Client {
    pub(crate) fn new(session: &JsValue, policy: Policy, edge: impl Into<AnyEdge>) -> Rc<Self> {
        let driver = Driver::of(session);
        let client = Rc::new(Self {
            id: driver.new_client_id(),
            policy,
            edge: edge.into(),
            driver,
        });
        client.driver.add(&client);
        client
    }

    /// What a request to that address is to this client.
    pub(crate) fn place(&self, address: &Address) -> Place {
        self.policy.scope.place(address)
    }

    /// `credentials` is the mode that the caller chose, if any.
    pub(crate) fn fetch(
        self: &Rc<Self>,
        place: Place,
        request: impl Into<AnyOutgoing>,
        replayable: bool,
        credentials: Option<Credentials>,
    ) -> Result<Promise, JsValue> {
        let request = request.into();
        match place {
            Place::Unguarded => request.send(),
            Place::SignIn => Ok(self.driver.watch_sign_in(&request.send()?)),
            Place::SignOut => Ok(self.call(Kind::SignOut, Some(request))),
            Place::Guarded | Place::GuardedElsewhere => {
                match Policy::cookies(place, credentials) {
                    Cookies::Declined => return request.send(),
                    Cookies::Include => request.include_credentials(),
                    Cookies::AsIs => {}
                }
                if self.policy.csrf && request.is_unsafe() {
                    request.add_csrf(place == Place::Guarded)?;
                }
                Ok(self.call(Kind::Request { replayable }, Some(request)))
            }
        }
    }

    /// Resolves when the access cookie is known to be no older than `max_age` milliseconds. `NaN`: than the server says.
    pub(crate) fn ensure_fresh(self: &Rc<Self>, max_age: f64, signal: JsValue) -> Promise {
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
        // Only an answer that matters is asked where it comes from: most have not been redirected.
        let place = || response.redirected().then(|| self.edge.place(response));
        self.policy.read(response.status(), place)
    }

    fn call(self: &Rc<Self>, kind: Kind, request: Option<AnyOutgoing>) -> Promise {
        let signal = request
            .as_ref()
            .map_or(JsValue::UNDEFINED, |request| request.signal());
        self.driver.call(self, kind, request, signal)
    }
}

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;

use super::{any::*, driver::Driver};
use crate::core::{ClientId, Kind, Policy, Standing};

/// One client: what it was configured with, and the session that it shares with others of that name.
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

    /// Sends a guarded request, a sign-in or a sign-out.
    pub(crate) fn call(self: &Rc<Self>, kind: Kind, request: impl Into<AnyOutgoing>) -> Promise {
        let request = request.into();
        let signal = request.signal();
        self.driver.call(self, kind, Some(request), signal)
    }

    /// Resolves when the access cookie is known to be no older than `max_age` milliseconds. `NaN`: than the server says.
    pub(crate) fn ensure_fresh(self: &Rc<Self>, max_age: f64, signal: JsValue) -> Promise {
        self.driver
            .call(self, Kind::EnsureFresh { max_age }, None, signal)
    }

    pub(crate) fn refresh(self: &Rc<Self>, signal: JsValue) -> Promise {
        self.driver.call(self, Kind::Refresh, None, signal)
    }

    /// Somebody has signed in, and no request of this client's told.
    pub(crate) fn signed_in(&self) {
        self.driver.signed_in();
    }

    /// Likewise.
    pub(crate) fn signed_out(&self) {
        self.driver.signed_out();
    }

    pub(crate) fn standing(&self) -> Standing {
        self.driver.standing()
    }

    pub(crate) fn dispose(&self) {
        self.driver.remove(self.id);
    }
}

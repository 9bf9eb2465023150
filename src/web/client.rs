use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;

use super::{
    any::*,
    driver::{Driver, Made},
};
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

    /// Sends a guarded request, a sign-in or a sign-out. `address` tells where it goes from other addresses. `sent_at`: its
    /// first attempt was sent then.
    pub(crate) fn call(
        self: &Rc<Self>,
        kind: Kind,
        request: impl Into<AnyOutgoing>,
        address: u32,
        sent_at: Option<f64>,
    ) -> Promise {
        let request = request.into();
        let made = Made {
            signal: request.signal(),
            request: Some(request),
            address,
            sent_at,
        };
        self.driver.call(self, kind, made)
    }

    /// Resolves when the access cookie is known to be no older than `max_age` milliseconds. `NaN`: than the server says.
    pub(crate) fn ensure_fresh(self: &Rc<Self>, max_age: f64, signal: JsValue) -> Promise {
        let kind = Kind::EnsureFresh { max_age };
        self.driver.call(self, kind, command(signal))
    }

    pub(crate) fn refresh(self: &Rc<Self>, signal: JsValue) -> Promise {
        self.driver.call(self, Kind::Refresh, command(signal))
    }

    /// Somebody has signed in, and no request of this client's told.
    pub(crate) fn signed_in(&self) {
        self.driver.signed_in();
    }

    /// Likewise.
    pub(crate) fn signed_out(&self) {
        self.driver.signed_out();
    }

    /// Something was thrown in the middle of what one of the clients was doing.
    #[cfg(feature = "js")]
    pub(crate) fn resume_all() {
        Driver::resume_all();
    }

    pub(crate) fn standing(&self) -> Standing {
        self.driver.standing()
    }

    pub(crate) fn dispose(&self) {
        self.driver.remove(self.id);
    }
}

fn command(signal: JsValue) -> Made {
    Made {
        signal,
        ..Made::default()
    }
}

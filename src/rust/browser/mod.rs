//! In a browser: the shell's client, spoken to in Rust.

mod answer;
mod edge;
mod globals;
mod guard;
mod installed;
mod options;
mod outgoing;
mod wire;

use std::{cell::RefCell, rc::Rc, time::Duration};

use gloo_net::http::{Request, Response};
use js_sys::{Promise, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, RequestInit, Url};

use super::{Body, ClientBuilder, Error, Events, State, error::describe, request::Parts};
use crate::{
    core::{Address, Cookies, Kind, Place, Standing},
    web,
};
use edge::{RustEdge, Subscribers, read_rejection};
use guard::{Abandon, follow};
use installed::Installed;
use outgoing::OutgoingRequest;
use wire::Wire;

/// Of one client; equal to its clones alone.
#[derive(Clone)]
pub(super) struct Handle(SendWrapper<Rc<Inner>>);

struct Inner {
    engine: Rc<web::Client>,
    wire: Rc<Wire>,
    subscribers: Rc<Subscribers>,
    installed: RefCell<Option<Installed>>,
}

impl Handle {
    pub(super) fn new(options: ClientBuilder) -> Result<Self, Error> {
        let (session, policy, wire) = options::read(options)?;
        let wire = Rc::new(wire);
        let subscribers = Rc::new(Subscribers::default());
        let edge = RustEdge::new(Rc::clone(&wire), Rc::clone(&subscribers));
        let engine = web::Client::new(&session.into(), policy, edge);
        Ok(Self(SendWrapper::new(Rc::new(Inner {
            engine,
            wire,
            subscribers,
            installed: RefCell::default(),
        }))))
    }

    pub(super) async fn send(&self, request: Request, replayable: bool) -> Result<Response, Error> {
        self.fetch(request.into(), replayable).await
    }

    pub(super) async fn send_parts(&self, parts: Parts) -> Result<Response, Error> {
        let request = build(parts).map_err(|error| Error::InvalidRequest(describe(&error)))?;
        self.fetch(request, true).await
    }

    pub(super) async fn ensure_fresh(&self, max_age: Option<Duration>) -> Result<(), Error> {
        let max_age = max_age.map_or(f64::NAN, |age| age.as_secs_f64() * 1_000.0);
        self.command(|engine, signal| engine.ensure_fresh(max_age, signal))
            .await
    }

    pub(super) async fn refresh(&self) -> Result<(), Error> {
        self.command(|engine, signal| engine.refresh(signal)).await
    }

    pub(super) fn signed_in(&self) {
        if !self.0.subscribers.are_closed() {
            self.0.engine.signed_in();
        }
    }

    pub(super) fn signed_out(&self) {
        if !self.0.subscribers.are_closed() {
            self.0.engine.signed_out();
        }
    }

    pub(super) fn state(&self) -> State {
        match self.0.engine.standing() {
            Standing::Unknown => State::Unknown,
            Standing::Active => State::Active,
            Standing::Refreshing => State::Refreshing,
            Standing::Expired => State::Expired,
        }
    }

    pub(super) fn events(&self) -> Events {
        self.0.subscribers.add()
    }

    pub(super) fn install(&self) {
        if !self.0.subscribers.are_closed() && self.0.installed.borrow().is_none() {
            *self.0.installed.borrow_mut() = Installed::new(self);
        }
    }

    pub(super) fn uninstall(&self) {
        self.0.uninstall();
    }

    pub(super) fn dispose(&self) {
        self.0.dispose();
    }

    async fn fetch(&self, request: web_sys::Request, replayable: bool) -> Result<Response, Error> {
        self.expect_open()?;
        let abandon = Abandon::new();
        let promise = self.begin(request, replayable, &abandon);
        let answer = settle(promise, abandon).await?;
        Ok(answer.unchecked_into::<web_sys::Response>().into())
    }

    /// Sends the request, in this very task.
    fn begin(
        &self,
        request: web_sys::Request,
        replayable: bool,
        abandon: &Abandon,
    ) -> Result<Promise, JsValue> {
        let Inner { engine, wire, .. } = &**self.0;
        let outgoing = OutgoingRequest::new(Rc::clone(wire), request, replayable, abandon);
        let kind = match outgoing.place {
            _ if outgoing.cookies == Cookies::Declined => None,
            Place::Unguarded => None,
            Place::Guarded => Some(Kind::Request { replayable }),
            Place::SignIn => Some(Kind::SignIn),
            Place::SignOut => Some(Kind::SignOut),
        };
        match kind {
            Some(kind) => {
                let address = outgoing.address();
                Ok(engine.call(kind, outgoing, address, None))
            }
            // Untouched, and so not kept for a replay either.
            None => outgoing.send_once(),
        }
    }

    async fn command(
        &self,
        command: impl FnOnce(&Rc<web::Client>, JsValue) -> Promise,
    ) -> Result<(), Error> {
        self.expect_open()?;
        let abandon = Abandon::new();
        let promise = command(&self.0.engine, abandon.signal());
        settle(Ok(promise), abandon).await?;
        Ok(())
    }

    fn expect_open(&self) -> Result<(), Error> {
        if self.0.subscribers.are_closed() {
            return Err(Error::Disposed);
        }
        Ok(())
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Handle {}

impl Inner {
    fn uninstall(&self) {
        if let Some(installed) = self.installed.take() {
            self.wire.native.take();
            installed.undo();
        }
    }

    fn dispose(&self) {
        self.uninstall();
        if !self.subscribers.are_closed() {
            self.engine.dispose();
            self.subscribers.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.dispose();
    }
}

fn read_address(url: &str) -> Option<Address> {
    Url::new(url).ok().map(|url| options::address_of(&url))
}

async fn settle(promise: Result<Promise, JsValue>, abandon: Abandon) -> Result<JsValue, Error> {
    let settlement = match promise {
        Ok(promise) => follow(promise, abandon).await,
        Err(error) => Err(error),
    };
    settlement.map_err(read_rejection)
}

fn build(parts: Parts) -> Result<web_sys::Request, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &parts.headers {
        headers.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method(parts.method);
    init.set_headers(&headers);
    match parts.body {
        Some(Body::Text(text)) => init.set_body(&text.into()),
        Some(Body::Bytes(bytes)) => init.set_body(&Uint8Array::from(bytes.as_slice())),
        None => {}
    }
    web_sys::Request::new_with_str_and_init(&parts.url, &init)
}

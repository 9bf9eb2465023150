use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{AbortController, AbortSignal, Response};

use super::{
    bindings::{Callback, Thenable, is_absent, now, view},
    body::{self, ReadAhead},
    client::Client,
    refresh,
    request::Kept,
    timer::Timer,
};
use crate::core::{
    Action, CallId, Cause, ClientId, Event, Failure, Kind, RefreshEnd, Session, Standing,
};

type Settlement = Result<JsValue, JsValue>;

/// Drives one session: does what its core says, and tells it what came of that.
///
/// Everything asynchronous comes back through one callback, bound to a [`Step`] and what it is about. So a call
/// costs no closure, and one that is given up leaves nothing behind that JavaScript would not collect.
pub(crate) struct Driver {
    refresh_url: String,
    session: RefCell<Session>,
    clients: RefCell<Vec<Rc<Client>>>,
    next_client: Cell<u32>,
    calls: RefCell<Vec<Underway>>,
    flight: RefCell<Flight>,
    timer: RefCell<Timer>,
    callback: Callback,
}

/// What the callback is bound to.
#[derive(Clone, Copy)]
enum Step {
    Answered,
    Rejected,
    Aborted,
    Read,
    RefreshAnswered,
    RefreshLost,
    LifetimeRead,
    SignInAnswered,
    TimerRang,
    Nothing,
}

const STEPS: [Step; 10] = [
    Step::Answered,
    Step::Rejected,
    Step::Aborted,
    Step::Read,
    Step::RefreshAnswered,
    Step::RefreshLost,
    Step::LifetimeRead,
    Step::SignInAnswered,
    Step::TimerRang,
    Step::Nothing,
];

/// What belongs to a call while it is under way.
struct Underway {
    id: CallId,
    client: Rc<Client>,
    kept: Option<Kept>,
    signal: JsValue,
    /// The 401 that it waits with, or the answer that it is about to be settled with.
    response: Option<Response>,
    ahead: Option<ReadAhead>,
    promise: Given,
    listener: Option<Function>,
}

/// The promise that the caller has been given.
enum Given {
    /// None yet, or one that follows whatever the handler at work returns.
    Open,
    /// Nothing has gone wrong so far: the caller can follow the fetch itself.
    Chained(Promise),
    Deferred {
        resolve: Function,
        reject: Function,
    },
    Settled(Settlement),
}

/// The latest refresh.
#[derive(Default)]
struct Flight {
    number: u32,
    /// While it is on the wire.
    controller: Option<AbortController>,
    key: String,
    /// Why it failed: what `fetch` rejected with, or the status of the answer.
    cause: JsValue,
}

thread_local! {
    static DRIVERS: RefCell<Vec<Rc<Driver>>> = const { RefCell::new(Vec::new()) };
}

impl Driver {
    /// The driver of this refresh URL: one, however many clients there are. It outlives them, as the session does.
    pub(crate) fn of(refresh_url: &str) -> Rc<Self> {
        DRIVERS.with_borrow_mut(|drivers| {
            if let Some(driver) = drivers
                .iter()
                .find(|driver| driver.refresh_url == refresh_url)
            {
                return Rc::clone(driver);
            }
            let driver = Rc::new_cyclic(|driver: &std::rc::Weak<Self>| {
                let driver = driver.clone();
                let callback = Closure::<dyn Fn(u32, f64, JsValue) -> Settlement>::new(
                    move |step, about, value| match driver.upgrade() {
                        Some(driver) => driver.come_back(step, about, value),
                        None => Ok(value),
                    },
                );
                Self {
                    refresh_url: refresh_url.into(),
                    session: RefCell::new(Session::new()),
                    clients: RefCell::default(),
                    next_client: Cell::default(),
                    calls: RefCell::default(),
                    flight: RefCell::default(),
                    timer: RefCell::default(),
                    callback: callback.into_js_value().unchecked_into(),
                }
            });
            drivers.push(Rc::clone(&driver));
            driver
        })
    }

    pub(crate) fn new_client_id(&self) -> ClientId {
        ClientId(
            self.next_client
                .replace(self.next_client.get().wrapping_add(1)),
        )
    }

    pub(crate) fn add(&self, client: &Rc<Client>) {
        self.clients.borrow_mut().push(Rc::clone(client));
    }

    pub(crate) fn remove(&self, id: ClientId) {
        self.session.borrow_mut().handle_dispose(now(), id);
        self.run();
        self.clients.borrow_mut().retain(|client| client.id != id);
    }

    pub(crate) fn standing(&self) -> Standing {
        self.session.borrow().standing()
    }

    /// Begins a call; the promise is its caller's.
    pub(crate) fn call(
        &self,
        client: &Rc<Client>,
        kind: Kind,
        kept: Option<Kept>,
        signal: JsValue,
    ) -> Promise {
        let timeout = client.policy.timeout;
        let id = self
            .session
            .borrow_mut()
            .handle_call(now(), client.id, kind, timeout);
        self.calls.borrow_mut().push(Underway {
            id,
            client: Rc::clone(client),
            kept,
            signal,
            response: None,
            ahead: None,
            promise: Given::Open,
            listener: None,
        });
        self.run();
        match self.hand_over(id) {
            Ok(value) => Promise::resolve(&value),
            Err(error) => Promise::reject(&error),
        }
    }

    /// Looks at what a sign-in is answered, without coming between it and its caller.
    pub(crate) fn watch_sign_in(&self, answer: &Promise) -> Promise {
        view::<Thenable>(answer).then_if_fulfilled(&self.on(Step::SignInAnswered, now()))
    }

    fn on(&self, step: Step, about: f64) -> Function {
        self.callback.bind(&JsValue::UNDEFINED, step as u32, about)
    }

    fn on_call(&self, step: Step, id: CallId) -> Function {
        self.on(step, id.to_bits().into())
    }

    fn come_back(&self, step: u32, about: f64, value: JsValue) -> Settlement {
        let id = CallId::from_bits(about as u32);
        match STEPS.get(step as usize) {
            Some(Step::Answered) => return self.answered(id, value.unchecked_into()),
            Some(Step::Rejected) => return self.rejected(id, value),
            Some(Step::Aborted) => self.aborted(id),
            Some(Step::Read) => self.read(id, &value),
            Some(Step::RefreshAnswered) => self.refresh_answered(about as u32, view(&value)),
            Some(Step::RefreshLost) => {
                self.refresh_ended(about as u32, value.clone(), RefreshEnd::Lost)
            }
            Some(Step::LifetimeRead) => self.lifetime_read(about, &value),
            Some(Step::SignInAnswered) => self.sign_in_answered(about, view(&value)),
            Some(Step::TimerRang) => self.timer_rang(),
            Some(Step::Nothing) | None => {}
        }
        Ok(value)
    }

    // What comes back.

    fn answered(&self, id: CallId, response: Response) -> Settlement {
        let Some(client) = self.with(id, |call| Rc::clone(&call.client)) else {
            // Its caller has gone.
            body::cancel(&response, &self.on(Step::Nothing, 0.0));
            return Ok(JsValue::UNDEFINED);
        };
        let answer = client.read(&response);
        self.with(id, |call| call.response = Some(response));
        self.session.borrow_mut().handle_answer(now(), id, answer);
        self.run();
        self.hand_over(id)
    }

    fn rejected(&self, id: CallId, reason: JsValue) -> Settlement {
        self.settle(id, Err(reason));
        self.session.borrow_mut().handle_rejection(now(), id);
        self.run();
        self.hand_over(id)
    }

    fn aborted(&self, id: CallId) {
        let Some(signal) = self.with(id, |call| call.signal.clone()) else {
            return;
        };
        self.discard(id);
        self.settle(id, Err(view::<AbortSignal>(&signal).reason()));
        self.session.borrow_mut().handle_abort(now(), id);
        self.run();
    }

    fn read(&self, id: CallId, chunk: &JsValue) {
        match self
            .with(id, |call| call.ahead.as_mut()?.take(chunk))
            .flatten()
        {
            Some(true) => self.read_on(id),
            Some(false) => {
                self.discard(id);
                self.session.borrow_mut().handle_dropped_body(id);
            }
            None => {}
        }
    }

    fn refresh_answered(&self, number: u32, response: &Response) {
        let end = refresh::read_end(response);
        if response.ok() {
            self.read_lifetime(response, -1.0);
        } else {
            body::cancel(response, &self.on(Step::Nothing, 0.0));
        }
        self.refresh_ended(number, response.status().into(), end);
    }

    fn refresh_ended(&self, number: u32, cause: JsValue, end: RefreshEnd) {
        {
            let mut flight = self.flight.borrow_mut();
            if flight.number == number {
                flight.controller = None;
                flight.cause = cause;
            }
        }
        self.session
            .borrow_mut()
            .handle_refresh_end(now(), number, end);
        self.run();
    }

    fn sign_in_answered(&self, asked_at: f64, response: &Response) {
        if let Ok(copy) = response.clone() {
            self.read_lifetime(&copy, asked_at);
        }
        self.session
            .borrow_mut()
            .handle_sign_in(now(), response.status());
        self.run();
    }

    fn lifetime_read(&self, asked_at: f64, answer: &JsValue) {
        let seconds = Reflect::get(answer, &"expires_in".into())
            .ok()
            .and_then(|it| it.as_f64());
        if let Some(seconds) = seconds {
            let asked_at = (asked_at >= 0.0).then_some(asked_at);
            self.session
                .borrow_mut()
                .handle_lifetime(asked_at, seconds * 1_000.0);
        }
    }

    fn timer_rang(&self) {
        self.timer.borrow_mut().clear();
        self.session.borrow_mut().handle_time(now());
        self.run();
    }

    // What is to be done.

    /// Does what the core says until it has nothing more to say. No borrow is held while the page's own code runs:
    /// an injected fetch or an event handler may well call us again.
    fn run(&self) {
        loop {
            let action = self.session.borrow_mut().poll_action();
            match action {
                Some(Action::Send { call }) => self.send(call),
                Some(Action::Hold { call }) => self.hold(call),
                Some(Action::Answer { call }) => self.answer(call),
                Some(Action::Done { call }) => self.settle(call, Ok(JsValue::UNDEFINED)),
                Some(Action::Fail { call, failure }) => self.fail(call, failure),
                Some(Action::Refresh {
                    client,
                    number,
                    again,
                }) => self.refresh(client, number, again),
                Some(Action::Announce {
                    event,
                    cause,
                    client,
                }) => self.announce(event, cause, client),
                None => break,
            }
        }
        let moment = self.session.borrow().poll_timeout();
        self.timer
            .borrow_mut()
            .set(moment, || self.on(Step::TimerRang, 0.0));
    }

    fn send(&self, id: CallId) {
        self.discard(id);
        let taken = self.with(id, |call| {
            (Rc::clone(&call.client), call.kept.as_mut().map(Kept::take))
        });
        let Some((client, Some(taken))) = taken else {
            return;
        };
        match taken.and_then(|(input, init)| client.edge.fetch(&input, &init)) {
            Ok(promise) => {
                let answered = self.on_call(Step::Answered, id);
                let rejected = self.on_call(Step::Rejected, id);
                let chained = view::<Thenable>(&promise).then(&answered, &rejected);
                self.with(id, |call| {
                    if !matches!(call.promise, Given::Deferred { .. }) {
                        call.promise = Given::Chained(chained);
                    }
                });
            }
            Err(error) => {
                self.settle(id, Err(error));
                self.session.borrow_mut().handle_rejection(now(), id);
            }
        }
    }

    fn hold(&self, id: CallId) {
        let ahead = self.with(id, |call| {
            call.ahead = call.response.as_ref().and_then(ReadAhead::start);
        });
        if ahead.is_some() {
            self.read_on(id);
        }
    }

    fn read_on(&self, id: CallId) {
        let (read, lost) = (self.on_call(Step::Read, id), self.on(Step::Nothing, 0.0));
        self.with(id, |call| {
            if let Some(ahead) = &call.ahead {
                ahead.read(&read, &lost);
            }
        });
    }

    fn answer(&self, id: CallId) {
        if let Some(response) = self.with(id, |call| call.response.take()).flatten() {
            self.settle(id, Ok(response.into()));
        }
    }

    fn fail(&self, id: CallId, failure: Failure) {
        self.discard(id);
        if let Some(client) = self.with(id, |call| Rc::clone(&call.client)) {
            let cause = self.flight.borrow().cause.clone();
            self.settle(id, Err(client.edge.error(failure, &cause)));
        }
    }

    fn refresh(&self, client: ClientId, number: u32, again: bool) {
        let client = self
            .clients
            .borrow()
            .iter()
            .find(|it| it.id == client)
            .cloned();
        let Ok(controller) = AbortController::new() else {
            return;
        };
        let before = {
            let mut flight = self.flight.borrow_mut();
            if !again {
                flight.key = refresh::new_key();
            }
            flight.number = number;
            flight.cause = JsValue::UNDEFINED;
            flight.controller.replace(controller.clone())
        };
        // One that is overdue has had its time; it would only take a connection from this one.
        if let Some(before) = before {
            before.abort();
        }
        let sent = client.ok_or(JsValue::UNDEFINED).and_then(|client| {
            let key = self.flight.borrow().key.clone();
            let csrf = client.csrf();
            let csrf = csrf
                .as_ref()
                .map(|(header, value)| (*header, value.as_str()));
            let init = client.refresh.init(csrf, &key, &controller.signal())?;
            client
                .edge
                .fetch(&client.refresh.url.as_str().into(), &init)
        });
        match sent {
            Ok(promise) => {
                let about = f64::from(number);
                let (answered, lost) = (
                    self.on(Step::RefreshAnswered, about),
                    self.on(Step::RefreshLost, about),
                );
                view::<Thenable>(&promise).watch(&answered, &lost);
            }
            Err(error) => self.refresh_ended(number, error, RefreshEnd::Lost),
        }
    }

    fn announce(&self, event: Event, cause: Cause, by: ClientId) {
        let clients = self.clients.borrow().clone();
        for client in clients {
            client.edge.announce(event, cause, client.id != by);
        }
    }

    fn read_lifetime(&self, response: &Response, asked_at: f64) {
        if let Ok(answer) = response.json() {
            let (read, not_json) = (
                self.on(Step::LifetimeRead, asked_at),
                self.on(Step::Nothing, 0.0),
            );
            view::<Thenable>(&answer).watch(&read, &not_json);
        }
    }

    // The calls.

    fn with<T>(&self, id: CallId, then: impl FnOnce(&mut Underway) -> T) -> Option<T> {
        self.calls
            .borrow_mut()
            .iter_mut()
            .find(|call| call.id == id)
            .map(then)
    }

    /// Gives up the response that a call holds: nobody will read it.
    fn discard(&self, id: CallId) {
        let held = self.with(id, |call| (call.response.take(), call.ahead.take()));
        let Some((Some(response), ahead)) = held else {
            return;
        };
        let ignore = self.on(Step::Nothing, 0.0);
        if let Some(ahead) = ahead {
            ahead.cancel(&ignore);
        }
        body::cancel(&response, &ignore);
    }

    fn settle(&self, id: CallId, settlement: Settlement) {
        let deferred = self.with(id, |call| match &call.promise {
            Given::Deferred { resolve, reject } => Some((resolve.clone(), reject.clone())),
            _ => {
                call.promise = Given::Settled(settlement.clone());
                None
            }
        });
        if let Some(Some((resolve, reject))) = deferred {
            self.forget(id);
            // Neither of the two throws.
            let _ = match settlement {
                Ok(value) => resolve.call1(&JsValue::UNDEFINED, &value),
                Err(reason) => reject.call1(&JsValue::UNDEFINED, &reason),
            };
        }
    }

    /// What the caller, or the promise that it follows already, is to be given now.
    fn hand_over(&self, id: CallId) -> Settlement {
        let given = self.with(id, |call| match call.promise {
            Given::Deferred { .. } => None,
            _ => Some(std::mem::replace(&mut call.promise, Given::Open)),
        });
        match given.flatten() {
            Some(Given::Chained(promise)) => Ok(promise.into()),
            Some(Given::Settled(settlement)) => {
                self.forget(id);
                settlement
            }
            Some(Given::Open | Given::Deferred { .. }) => Ok(self.defer(id).into()),
            // It has a promise of its own, or is settled.
            None => Ok(JsValue::UNDEFINED),
        }
    }

    fn defer(&self, id: CallId) -> Promise {
        let promise = Promise::new(&mut |resolve, reject| {
            self.with(id, |call| {
                call.promise = Given::Deferred { resolve, reject }
            });
        });
        let signal = self.with(id, |call| {
            if call.signal.is_undefined()
                && let Some(kept) = &call.kept
            {
                call.signal = kept.signal();
            }
            call.signal.clone()
        });
        if let Some(signal) = signal.filter(|signal| !is_absent(signal)) {
            let signal: &AbortSignal = view(&signal);
            if signal.aborted() {
                self.aborted(id);
            } else {
                let listener = self.on_call(Step::Aborted, id);
                // It cannot fail: a signal is an EventTarget.
                let _ = signal.add_event_listener_with_callback("abort", &listener);
                self.with(id, |call| call.listener = Some(listener));
            }
        }
        promise
    }

    fn forget(&self, id: CallId) {
        let mut calls = self.calls.borrow_mut();
        let Some(index) = calls.iter().position(|call| call.id == id) else {
            return;
        };
        let call = calls.swap_remove(index);
        if let Some(listener) = call.listener {
            let signal: &AbortSignal = view(&call.signal);
            let _ = signal.remove_event_listener_with_callback("abort", &listener);
        }
    }
}

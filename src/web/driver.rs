use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{AbortSignal, Response};

use super::{
    any::*,
    bindings::{self, Callback, Controller, Signal, Thenable, now, view},
    body::{self, ReadAhead},
    client::Client,
    peers::{Lock, Peers},
    refresh::End,
    timer::Timer,
    update,
};
use crate::core::{
    Action, CallId, Cause, ClientId, Event, Failure, Key, Kind, News, RefreshEnd, Session,
    Standing, Word,
};

type Settlement = Result<JsValue, JsValue>;

/// Drives one session: does what its core says, and tells it what came of that.
///
/// Everything asynchronous comes back through one callback, bound to a [`Step`] and what it is about. So a call
/// costs no closure, and one that is given up leaves nothing behind that JavaScript would not collect.
pub(crate) struct Driver {
    name: JsValue,
    session: RefCell<Session>,
    clients: RefCell<Vec<Rc<Client>>>,
    next_client: Cell<u32>,
    calls: RefCell<Vec<Rc<Underway>>>,
    flight: Flight,
    peers: Peers,
    timer: Timer,
    callback: Callback,
}

/// What the callback is bound to.
#[derive(Clone, Copy)]
enum Step {
    Answered,
    Rejected,
    Aborted,
    Read,
    ReadLate,
    RefreshAnswered,
    RefreshLost,
    TimerRang,
    Locked,
    LockFailed,
    Heard,
    Returned,
    Deferred,
    Held,
    Nothing,
}

const STEPS: [Step; 15] = [
    Step::Answered,
    Step::Rejected,
    Step::Aborted,
    Step::Read,
    Step::ReadLate,
    Step::RefreshAnswered,
    Step::RefreshLost,
    Step::TimerRang,
    Step::Locked,
    Step::LockFailed,
    Step::Heard,
    Step::Returned,
    Step::Deferred,
    Step::Held,
    Step::Nothing,
];

/// What belongs to a call while it is under way.
struct Underway {
    id: CallId,
    kind: Kind,
    /// When it was made.
    at: f64,
    client: Rc<Client>,
    request: Option<AnyOutgoing>,
    /// Whether that has been sent before.
    again: Cell<bool>,
    /// The signal that aborts it, or `undefined`.
    signal: JsValue,
    /// The 401 that it waits with, or the answer that it is about to be settled with.
    response: Cell<Option<Response>>,
    ahead: ReadAhead,
    given: Cell<Given>,
    listener: Cell<Option<Function>>,
}

/// The promise that the caller has been given.
#[derive(Default)]
enum Given {
    /// None yet, or one that follows whatever the handler at work returns.
    #[default]
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
    number: Cell<u32>,
    /// While it is on the wire.
    controller: Cell<Option<Controller>>,
    /// Why it failed: what `fetch` rejected with, or the status of the answer.
    cause: Cell<JsValue>,
    /// The status of the answer; 0 if none came, or a redirect.
    status: Cell<u16>,
}

thread_local! {
    static DRIVERS: RefCell<Vec<&'static Driver>> = const { RefCell::new(Vec::new()) };
}

impl Driver {
    /// The driver of the session of that name: one, however many clients there are. It outlives them,
    /// as the session does: what is known of it holds for whoever comes next.
    pub(crate) fn of(name: &JsValue) -> &'static Self {
        let is_known = |driver: &&&Self| driver.name == *name;
        let known = update_drivers(|drivers| drivers.iter().find(is_known).copied());
        known.unwrap_or_else(|| {
            let driver = Self::new(name);
            update_drivers(|drivers| drivers.push(driver));
            driver
        })
    }

    fn new(name: &JsValue) -> &'static Self {
        let driver: &'static Cell<Option<&'static Self>> = Box::leak(Box::default());
        let callback = Closure::<dyn Fn(u32, f64, JsValue, JsValue) -> JsValue>::new(
            |step, about, value, more| match driver.get() {
                Some(driver) => driver
                    .come_back(step, about, value, more)
                    .unwrap_or_else(|error| Promise::reject(&error).into()),
                None => value,
            },
        );
        let new: &'static Self = Box::leak(Box::new(Self {
            name: name.clone(),
            // A whole number, so that it is short as text.
            session: RefCell::new(Session::new((js_sys::Math::random() * 1e15).floor())),
            clients: RefCell::default(),
            next_client: Cell::default(),
            calls: RefCell::default(),
            flight: Flight::default(),
            peers: Peers::new(name.clone()),
            timer: Timer::default(),
            callback: callback.into_js_value().unchecked_into(),
        }));
        driver.set(Some(new));
        new
    }

    pub(crate) fn new_client_id(&self) -> ClientId {
        ClientId(
            self.next_client
                .replace(self.next_client.get().wrapping_add(1)),
        )
    }

    pub(crate) fn add(&self, client: &Rc<Client>) {
        if client.policy.cross_tab && !self.peers.is_open() {
            let (heard, returned) = (self.on(Step::Heard, 0.0), self.on(Step::Returned, 0.0));
            self.peers.open(heard, returned);
            self.tell(|session| session.handle_return(now()));
        }
        update(&self.clients, |clients| clients.push(Rc::clone(client)));
    }

    pub(crate) fn remove(&self, id: ClientId) {
        self.tell(|session| session.handle_dispose(now(), id));
        self.run();
        let was_last = update(&self.clients, |clients| {
            if let Some(index) = clients.iter().position(|client| client.id == id) {
                clients.swap_remove(index);
            }
            clients.is_empty()
        });
        if was_last {
            self.peers.close();
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        self.tell(|session| session.standing())
    }

    /// Begins a call; the promise is its caller's.
    pub(crate) fn call(
        &self,
        client: &Rc<Client>,
        kind: Kind,
        request: Option<AnyOutgoing>,
        signal: JsValue,
    ) -> Promise {
        let timeout = client.policy.timeout;
        let at = now();
        let id = self.tell(|session| session.handle_call(at, client.id, kind, timeout));
        let call = Rc::new(Underway {
            id,
            kind,
            at,
            client: Rc::clone(client),
            request,
            again: Cell::default(),
            signal,
            response: Cell::default(),
            ahead: ReadAhead::default(),
            given: Cell::default(),
            listener: Cell::default(),
        });
        update(&self.calls, |calls| calls.push(Rc::clone(&call)));
        self.run();
        match self.hand_over(&call) {
            Ok(value) => Promise::resolve(&value),
            Err(error) => Promise::reject(&error),
        }
    }

    /// Somebody has signed in, and no request of ours told.
    pub(crate) fn signed_in(&self) {
        self.tell(|session| session.handle_sign_in(now(), 200));
        self.run();
    }

    /// Somebody has signed out, and no request of ours told.
    pub(crate) fn signed_out(&self) {
        let word = Word {
            news: News::SignedOut,
            age: 0.0,
            span: 0.0,
            cause: Cause::Asked,
            key: Key::default(),
        };
        self.tell(|session| session.handle_word(now(), word));
        self.peers.tell(word);
        self.run();
    }

    fn tell<T: Default>(&self, what: impl FnOnce(&mut Session) -> T) -> T {
        update(&self.session, what)
    }

    fn on(&self, step: Step, about: f64) -> Function {
        self.callback.bind(&JsValue::UNDEFINED, step as u32, about)
    }

    /// Has what comes of a promise come back, if there is one.
    fn watch(&self, promise: Option<Promise>, fulfilled: Step, rejected: Step, about: f64) {
        if let Some(promise) = promise {
            let (fulfilled, rejected) = (self.on(fulfilled, about), self.on(rejected, about));
            view::<Thenable>(&promise).watch(&fulfilled, &rejected);
        }
    }

    fn ignore(&self, promise: Option<Promise>) {
        self.watch(promise, Step::Nothing, Step::Nothing, 0.0);
    }

    /// `more` comes only with the two functions that settle a promise.
    fn come_back(&self, step: u32, about: f64, value: JsValue, more: JsValue) -> Settlement {
        let id = CallId::from_bits(about as u32);
        match STEPS.get(step as usize) {
            Some(Step::Answered) => return self.answered(id, value.unchecked_into()),
            Some(Step::Rejected) => return self.rejected(id, value),
            Some(Step::Aborted) => self.aborted(id),
            Some(Step::Read) => self.read(id, &value),
            Some(Step::ReadLate) => self.read_late(id),
            Some(Step::RefreshAnswered) => self.refresh_answered(about as u32, &value),
            Some(Step::RefreshLost) => self.refresh_lost(about as u32, value.clone()),
            Some(Step::TimerRang) => self.timer_rang(),
            Some(Step::Locked) => return Ok(self.locked(about as u32, &value)),
            Some(Step::LockFailed) => self.lock_failed(about as u32),
            Some(Step::Heard) => self.heard(view(&value)),
            Some(Step::Returned) => self.returned(view(&value)),
            Some(Step::Deferred) => {
                if let Some(call) = self.find(id) {
                    let (resolve, reject) = (value.unchecked_into(), more.unchecked_into());
                    call.given.set(Given::Deferred { resolve, reject });
                }
                return Ok(JsValue::UNDEFINED);
            }
            Some(Step::Held) => self.peers.hold(view(&value)),
            Some(Step::Nothing) | None => {}
        }
        Ok(value)
    }

    // What comes back.

    fn answered(&self, id: CallId, response: Response) -> Settlement {
        let Some(call) = self.find(id) else {
            // Its caller has gone.
            self.ignore(body::cancel(&response));
            return Ok(JsValue::UNDEFINED);
        };
        let Some(request) = &call.request else {
            return Ok(JsValue::UNDEFINED);
        };
        let answer = call.client.policy.read(request.read(&response));
        call.response.set(Some(response));
        self.tell(|session| session.handle_answer(now(), id, answer));
        if call.kind == Kind::SignIn && answer.begins {
            let lifetime = request.lifetime();
            self.tell(|session| session.handle_lifetime(Some(call.at), lifetime));
        }
        self.run();
        self.hand_over(&call)
    }

    fn rejected(&self, id: CallId, reason: JsValue) -> Settlement {
        let Some(call) = self.find(id) else {
            return Ok(JsValue::UNDEFINED);
        };
        // WebKit has an AbortError of its own in place of the reason.
        let signal: &AbortSignal = view(&call.signal);
        let aborted = call.signal.is_object() && signal.aborted();
        let reason = if aborted { signal.reason() } else { reason };
        self.settle(&call, Err(reason));
        self.tell(|session| session.handle_rejection(now(), id));
        self.run();
        self.hand_over(&call)
    }

    fn aborted(&self, id: CallId) {
        let Some(call) = self.find(id) else { return };
        self.discard(&call);
        self.settle(&call, Err(view::<AbortSignal>(&call.signal).reason()));
        self.tell(|session| session.handle_abort(now(), id));
        self.run();
    }

    fn read(&self, id: CallId, chunk: &JsValue) {
        let Some(call) = self.find(id) else { return };
        match call.ahead.take(chunk) {
            Some(true) => self.read_on(&call),
            Some(false) => self.drop_body(&call),
            None => {}
        }
    }

    fn read_late(&self, id: CallId) {
        if let Some(call) = self.find(id)
            && call.ahead.is_late()
        {
            self.drop_body(&call);
        }
    }

    fn drop_body(&self, call: &Underway) {
        self.discard(call);
        self.tell(|session| session.handle_dropped_body(call.id));
    }

    fn refresh_answered(&self, number: u32, answer: &JsValue) {
        let end = End::read(answer);
        if self.flight.number.get() == number {
            self.flight.status.set(end.status);
        }
        self.land(number, end.status.into(), end.answered());
        self.tell(|session| session.handle_lifetime(None, end.lifetime));
        self.run();
    }

    fn refresh_lost(&self, number: u32, cause: JsValue) {
        self.land(number, cause, RefreshEnd::Lost);
        self.run();
    }

    fn land(&self, number: u32, cause: JsValue, end: RefreshEnd) {
        if self.flight.number.get() == number {
            self.flight.controller.set(None);
            self.flight.cause.set(cause);
        }
        self.tell(|session| session.handle_refresh_end(now(), number, end));
    }

    fn timer_rang(&self) {
        self.timer.clear();
        self.tell(|session| session.handle_time(now()));
        self.run();
    }

    /// The promise is what the lock is held for.
    fn locked(&self, number: u32, lock: &JsValue) -> JsValue {
        let on = |number| self.on_lock(number);
        let mut held = JsValue::UNDEFINED;
        match self.peers.locked(number, lock, on) {
            Lock::Unwanted => return held,
            Lock::Busy => self.tell(|session| session.handle_busy(now())),
            Lock::Ours { waited } => {
                held = bindings::defer(&self.on(Step::Held, 0.0)).into();
                self.enter(waited);
            }
        }
        self.run();
        held
    }

    fn lock_failed(&self, number: u32) {
        if self.peers.has_none(number) {
            self.enter(false);
            self.run();
        }
    }

    fn heard(&self, message: &bindings::Event) {
        if let Some(word) = self.peers.hear(message.data()) {
            self.tell(|session| session.handle_word(now(), word));
            self.run();
        }
    }

    fn returned(&self, event: &bindings::Event) {
        if event.persisted() {
            self.tell(|session| session.handle_return(now()));
            self.run();
        }
    }

    // What is to be done.

    /// Does what the core says until it has nothing more to say. No borrow is held while the page's own code runs:
    /// an injected fetch or an event handler may well call us again.
    fn run(&self) {
        while let Some(action) = self.tell(Session::poll_action) {
            self.act(&action);
        }
        let moment = self.tell(|session| session.poll_timeout());
        self.timer.set(moment, || self.on(Step::TimerRang, 0.0));
    }

    fn act(&self, action: &Action) {
        let on_call = |id, act: fn(&Self, &Underway)| {
            if let Some(call) = self.find(id) {
                act(self, &call);
            }
        };
        match *action {
            Action::Send { call } => on_call(call, Self::send),
            Action::Hold { call } => on_call(call, Self::hold),
            Action::Answer { call } => on_call(call, Self::answer),
            Action::Done { call } => on_call(call, Self::done),
            Action::Fail { call, failure } => {
                if let Some(call) = self.find(call) {
                    self.fail(&call, failure);
                }
            }
            Action::Lock => self.lock(),
            Action::Unlock => self.peers.unlock(),
            Action::Tell(word) => self.peers.tell(word),
            Action::Refresh {
                client,
                number,
                key,
            } => self.refresh(client, number, key),
            Action::Abandon => self.abandon(),
            Action::Announce { event, cause, by } => self.announce(event, cause, by),
        }
    }

    fn send(&self, call: &Underway) {
        self.discard(call);
        let Some(request) = &call.request else { return };
        match request.send(call.again.replace(true)) {
            Ok(promise) => {
                let about = f64::from(call.id.to_bits());
                let answered = self.on(Step::Answered, about);
                let rejected = self.on(Step::Rejected, about);
                let chained = view::<Thenable>(&promise).then(&answered, &rejected);
                call.given.set(match call.given.take() {
                    given @ Given::Deferred { .. } => given,
                    _ => Given::Chained(chained),
                });
            }
            Err(error) => {
                self.settle(call, Err(error));
                self.tell(|session| session.handle_rejection(now(), call.id));
            }
        }
    }

    fn hold(&self, call: &Underway) {
        if let Some(response) = call.response.take() {
            let late = || self.on(Step::ReadLate, call.id.to_bits().into());
            call.ahead.start(&response, late);
            call.response.set(Some(response));
            self.read_on(call);
        }
    }

    fn read_on(&self, call: &Underway) {
        let about = call.id.to_bits().into();
        self.watch(call.ahead.read(), Step::Read, Step::Nothing, about);
    }

    fn answer(&self, call: &Underway) {
        if let Some(response) = call.response.take() {
            self.settle(call, Ok(response.into()));
        }
    }

    fn done(&self, call: &Underway) {
        self.settle(call, Ok(JsValue::UNDEFINED));
    }

    fn fail(&self, call: &Underway, failure: Failure) {
        self.discard(call);
        let cause = self.flight.cause.take();
        let error = call.client.edge.error(failure, &cause);
        self.flight.cause.set(cause);
        self.settle(call, Err(error));
    }

    fn lock(&self) {
        if !self.peers.lock(|number| self.on_lock(number)) {
            self.enter(false);
        }
    }

    fn on_lock(&self, number: u32) -> (Function, Function) {
        let number = f64::from(number);
        (
            self.on(Step::Locked, number),
            self.on(Step::LockFailed, number),
        )
    }

    fn enter(&self, waited: bool) {
        let latest = self.peers.latest();
        self.tell(|session| session.handle_lock(now(), waited, latest));
    }

    fn abandon(&self) {
        if let Some(controller) = self.flight.controller.take() {
            controller.abort();
        }
    }

    fn refresh(&self, client: ClientId, number: u32, key: Key) {
        let client = self.client(client);
        let controller = Controller::new();
        let signal = controller.signal();
        // One that is overdue has had its time; it would only take a connection from this one.
        self.abandon();
        self.flight.number.set(number);
        self.flight.controller.set(Some(controller));
        self.flight.cause.set(JsValue::UNDEFINED);
        self.flight.status.set(0);
        match client
            .ok_or(JsValue::UNDEFINED)
            .and_then(|it| it.edge.refresh(key, &signal))
        {
            Ok(promise) => self.watch(
                Some(promise),
                Step::RefreshAnswered,
                Step::RefreshLost,
                number.into(),
            ),
            Err(error) => self.refresh_lost(number, error),
        }
    }

    fn announce(&self, event: Event, cause: Cause, by: Option<ClientId>) {
        // Of a peer's refresh only the outcome is known here.
        let is_answered = cause == Cause::Answered && by.is_some();
        let status = if is_answered {
            self.flight.status.get()
        } else {
            0
        };
        // One after another, because a handler may well dispose of some.
        for id in (0..self.next_client.get()).map(ClientId) {
            if let Some(client) = self.client(id) {
                client.edge.announce(event, cause, Some(id) != by, status);
            }
        }
    }

    fn client(&self, id: ClientId) -> Option<Rc<Client>> {
        update(&self.clients, |clients| {
            clients.iter().find(|it| it.id == id).cloned()
        })
    }

    // The calls.

    fn find(&self, id: CallId) -> Option<Rc<Underway>> {
        update(&self.calls, |calls| {
            calls.iter().find(|call| call.id == id).cloned()
        })
    }

    /// Gives up the response that a call holds: nobody will read it.
    fn discard(&self, call: &Underway) {
        self.ignore(call.ahead.cancel());
        if let Some(response) = call.response.take() {
            self.ignore(body::cancel(&response));
        }
    }

    fn settle(&self, call: &Underway, settlement: Settlement) {
        let Given::Deferred { resolve, reject } = call.given.take() else {
            return call.given.set(Given::Settled(settlement));
        };
        // Who handles an answer at this moment has nobody to hand it to.
        call.given.set(Given::Settled(Ok(JsValue::UNDEFINED)));
        self.forget(call);
        match settlement {
            Ok(value) => bindings::settle(&resolve, &value),
            Err(reason) => bindings::settle(&reject, &reason),
        }
    }

    /// What the caller, or the promise that it follows already, is to be given now.
    fn hand_over(&self, call: &Underway) -> Settlement {
        match call.given.take() {
            Given::Chained(promise) => Ok(promise.into()),
            Given::Settled(settlement) => {
                self.forget(call);
                settlement
            }
            // It has a promise of its own already.
            deferred @ Given::Deferred { .. } => {
                call.given.set(deferred);
                Ok(JsValue::UNDEFINED)
            }
            Given::Open => Ok(self.defer(call).into()),
        }
    }

    fn defer(&self, call: &Underway) -> Promise {
        let promise = bindings::defer(&self.on(Step::Deferred, call.id.to_bits().into()));
        if call.signal.is_object() {
            let signal: &AbortSignal = view(&call.signal);
            if signal.aborted() {
                self.aborted(call.id);
            } else {
                let listener = self.on(Step::Aborted, call.id.to_bits().into());
                view::<Signal>(&call.signal).listen("abort", &listener);
                call.listener.set(Some(listener));
            }
        }
        promise
    }

    fn forget(&self, call: &Underway) {
        update(&self.calls, |calls| {
            if let Some(index) = calls.iter().position(|other| other.id == call.id) {
                calls.swap_remove(index);
            }
        });
        if let Some(listener) = call.listener.take() {
            view::<Signal>(&call.signal).unlisten("abort", &listener);
        }
    }
}

fn update_drivers<R: Default>(how: impl FnOnce(&mut Vec<&'static Driver>) -> R) -> R {
    DRIVERS.with(|drivers| update(drivers, how))
}

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{AbortSignal, Response};

use super::{
    any::*,
    bindings::{self, Callback, Signal, Thenable, now, view},
    body::{self, ReadAhead},
    client::Client,
    peers::{Lock, Peers},
    refresh::End,
    timer::Timer,
    update,
};
use crate::core::{
    Action, CallId, ClientId, Credit, Event, Failure, Grant, Key, Kind, RefreshEnd, Session,
    Standing,
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
    /// Each in its place ([`CallId::place`]).
    calls: RefCell<Vec<Option<Rc<Pending>>>>,
    flights: Flights,
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
    Hidden,
    Returned,
    Deferred,
    Held,
    Nothing,
}

const STEPS: [Step; 16] = [
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
    Step::Hidden,
    Step::Returned,
    Step::Deferred,
    Step::Held,
    Step::Nothing,
];

/// What belongs to a call while it is under way.
struct Pending {
    id: CallId,
    kind: Kind,
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

/// What a call is about.
#[derive(Default)]
pub(crate) struct Made {
    /// `None`: a command.
    pub(crate) request: Option<AnyOutgoing>,
    /// The signal that aborts it, or `undefined`.
    pub(crate) signal: JsValue,
    /// Tells where its request goes from other addresses.
    pub(crate) address: u32,
    /// When its first attempt was sent, if that was before the engine was told.
    pub(crate) sent_at: Option<f64>,
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

/// The refreshes of this page.
#[derive(Default)]
struct Flights {
    /// The number of the latest.
    number: Cell<u32>,
    /// Why that one failed: what `fetch` rejected with, or the status of the answer.
    cause: Cell<JsValue>,
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

    /// Has every driver go on where it was stopped.
    #[cfg(feature = "js")]
    pub(crate) fn resume_all() {
        for driver in update_drivers(|drivers| drivers.clone()) {
            driver.run();
        }
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
            flights: Flights::default(),
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
            self.peers.open([
                self.on(Step::Heard, 0.0),
                self.on(Step::Hidden, 0.0),
                self.on(Step::Returned, 0.0),
            ]);
            let last = self.peers.latest();
            let is_kept = self.peers.are_words_kept();
            self.tell(|session, now| session.handle_open(now, last, is_kept));
        }
        if !client.policy.learn {
            self.see(Session::stop_learning);
        }
        update(&self.clients, |clients| clients.push(Rc::clone(client)));
    }

    pub(crate) fn remove(&self, id: ClientId) {
        self.tell(|session, now| session.handle_dispose(now, id));
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
        self.see(|session| session.standing())
    }

    /// Begins a call; the promise is its caller's.
    pub(crate) fn call(&self, client: &Rc<Client>, kind: Kind, made: Made) -> Promise {
        let Made {
            request,
            signal,
            address,
            sent_at,
        } = made;
        let (by, timeout) = (client.id, client.policy.timeout);
        let id =
            self.tell(|session, now| session.handle_call(now, by, kind, timeout, address, sent_at));
        let call = Rc::new(Pending {
            id,
            kind,
            client: Rc::clone(client),
            request,
            again: Cell::default(),
            signal,
            response: Cell::default(),
            ahead: ReadAhead::default(),
            given: Cell::default(),
            listener: Cell::default(),
        });
        update(&self.calls, |calls| {
            // The core gives out a new place only if none is free.
            if calls.len() == id.place() {
                calls.push(None);
            }
            if let Some(place) = calls.get_mut(id.place()) {
                *place = Some(Rc::clone(&call));
            }
        });
        self.run();
        match self.hand_over(&call) {
            Ok(value) => Promise::resolve(&value),
            Err(error) => Promise::reject(&error),
        }
    }

    /// Somebody has signed in, and no request of ours told.
    pub(crate) fn signed_in(&self) {
        self.tell(Session::handle_signed_in);
        self.run();
    }

    /// Somebody has signed out, and no request of ours told.
    pub(crate) fn signed_out(&self) {
        self.tell(Session::handle_signed_out);
        self.run();
    }

    /// Tells the core what has happened. The clock is the page's own, so it is read before the core is borrowed.
    fn tell<T: Default>(&self, what: impl FnOnce(&mut Session, f64) -> T) -> T {
        let now = now();
        self.see(|session| what(session, now))
    }

    fn see<T: Default>(&self, what: impl FnOnce(&mut Session) -> T) -> T {
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
        let id = CallId::from_number(about);
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
            Some(Step::Hidden) => self.hidden(view(&value)),
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
        let mut answer = call.client.policy.read(request.read(&response));
        if call.kind == Kind::SignIn {
            answer.grant = Grant {
                lifetime: request.lifetime(),
                subject: request.subject(),
            };
        }
        call.response.set(Some(response));
        self.tell(|session, now| session.handle_answer(now, id, answer));
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
        self.tell(|session, now| session.handle_rejection(now, id));
        self.run();
        self.hand_over(&call)
    }

    fn aborted(&self, id: CallId) {
        let Some(call) = self.find(id) else { return };
        // It has had its event: to take it off the signal would cost the more, the more calls have that signal.
        call.listener.take();
        self.discard(&call);
        self.settle(&call, Err(view::<AbortSignal>(&call.signal).reason()));
        self.tell(|session, now| session.handle_abort(now, id));
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

    fn drop_body(&self, call: &Pending) {
        self.discard(call);
        self.see(|session| session.handle_dropped_body(call.id));
    }

    fn refresh_answered(&self, number: u32, answer: &JsValue) {
        let end = End::read(answer);
        self.land(number, end.status.into(), end.answered());
        self.run();
    }

    fn refresh_lost(&self, number: u32, cause: JsValue) {
        // It outlives its page, and only what is here is cut off from it.
        if self.peers.is_hidden() {
            return;
        }
        self.land(number, cause, RefreshEnd::Lost);
        self.run();
    }

    fn land(&self, number: u32, cause: JsValue, end: RefreshEnd) {
        if self.flights.number.get() == number {
            self.flights.cause.set(cause);
        }
        self.tell(|session, now| session.handle_refresh_end(now, number, end));
    }

    fn timer_rang(&self) {
        self.timer.clear();
        self.tell(Session::handle_time);
        self.run();
    }

    /// The promise is what the lock is held for.
    fn locked(&self, number: u32, lock: &JsValue) -> JsValue {
        let on = |number| self.on_lock(number);
        let mut held = JsValue::UNDEFINED;
        match self.peers.locked(number, lock, on) {
            Lock::Unwanted => return held,
            Lock::Busy => self.tell(Session::handle_busy),
            Lock::Ours { waited } => {
                held = bindings::defer(&self.on(Step::Held, 0.0)).into();
                self.take_lock(waited);
            }
        }
        self.run();
        held
    }

    fn lock_failed(&self, number: u32) {
        if self.peers.has_none(number) {
            self.take_lock(false);
            self.run();
        }
    }

    fn heard(&self, message: &bindings::Event) {
        if let Some(word) = self.peers.hear(message.data()) {
            self.tell(|session, now| session.handle_word(now, word));
            self.run();
        }
    }

    fn hidden(&self, event: &bindings::Event) {
        self.tell(Session::handle_leave);
        self.run();
        self.peers.hide(event);
    }

    fn returned(&self, event: &bindings::Event) {
        if event.persisted() {
            self.peers.come_back(&self.on(Step::Heard, 0.0));
            let last = self.peers.latest();
            self.tell(|session, now| session.handle_return(now, last));
            self.run();
        }
    }

    // What is to be done.

    /// Does what the core says until it has nothing more to say. No borrow is held while the page's own code runs:
    /// an injected fetch or an event handler may well call us again.
    fn run(&self) {
        while let Some(action) = self.see(Session::poll_action) {
            self.act(&action);
        }
        let moment = self.see(|session| session.poll_timeout());
        self.timer.set(moment, || self.on(Step::TimerRang, 0.0));
    }

    fn act(&self, action: &Action) {
        let on_call = |id, act: fn(&Self, &Pending)| {
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
            Action::Reload => {
                // There is nothing to be loaded anew where there is no page.
                let _ = bindings::reload();
            }
            Action::Announce { event, credit } => self.announce(event, credit),
        }
    }

    fn send(&self, call: &Pending) {
        self.discard(call);
        let Some(request) = &call.request else { return };
        match request.send(call.again.replace(true)) {
            Ok(promise) => {
                let about = call.id.to_number();
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
                self.tell(|session, now| session.handle_rejection(now, call.id));
            }
        }
    }

    fn hold(&self, call: &Pending) {
        if let Some(response) = call.response.take() {
            let late = || self.on(Step::ReadLate, call.id.to_number());
            call.ahead.start(&response, late);
            call.response.set(Some(response));
            self.read_on(call);
        }
    }

    fn read_on(&self, call: &Pending) {
        let about = call.id.to_number();
        self.watch(call.ahead.read(), Step::Read, Step::Nothing, about);
    }

    fn answer(&self, call: &Pending) {
        if let Some(response) = call.response.take() {
            self.settle(call, Ok(response.into()));
        }
    }

    fn done(&self, call: &Pending) {
        self.settle(call, Ok(JsValue::UNDEFINED));
    }

    fn fail(&self, call: &Pending, failure: Failure) {
        self.discard(call);
        let cause = self.flights.cause.take();
        self.flights.cause.set(cause.clone());
        let error = call.client.edge.error(failure, &cause);
        self.settle(call, Err(error));
    }

    fn lock(&self) {
        if !self.peers.lock(|number| self.on_lock(number)) {
            self.take_lock(false);
        }
    }

    fn on_lock(&self, number: u32) -> (Function, Function) {
        let number = f64::from(number);
        (
            self.on(Step::Locked, number),
            self.on(Step::LockFailed, number),
        )
    }

    fn take_lock(&self, waited: bool) {
        let latest = self.peers.latest();
        self.tell(|session, now| session.handle_lock(now, waited, latest));
    }

    fn refresh(&self, client: ClientId, number: u32, key: Key) {
        let client = self.client(client);
        self.flights.number.set(number);
        self.flights.cause.set(JsValue::UNDEFINED);
        match client
            .ok_or(JsValue::UNDEFINED)
            .and_then(|it| it.edge.refresh(key))
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

    fn announce(&self, event: Event, credit: Credit) {
        let Credit {
            client: by,
            cause,
            status,
        } = credit;
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

    fn find(&self, id: CallId) -> Option<Rc<Pending>> {
        let call = update(&self.calls, |calls| {
            calls.get(id.place()).cloned().flatten()
        })?;
        (call.id == id).then_some(call)
    }

    /// Gives up the response that a call holds: nobody will read it.
    fn discard(&self, call: &Pending) {
        self.ignore(call.ahead.cancel());
        if let Some(response) = call.response.take() {
            self.ignore(body::cancel(&response));
        }
    }

    fn settle(&self, call: &Pending, settlement: Settlement) {
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
    fn hand_over(&self, call: &Pending) -> Settlement {
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

    fn defer(&self, call: &Pending) -> Promise {
        let promise = bindings::defer(&self.on(Step::Deferred, call.id.to_number()));
        if call.signal.is_object() {
            let signal: &AbortSignal = view(&call.signal);
            if signal.aborted() {
                self.aborted(call.id);
            } else {
                let listener = self.on(Step::Aborted, call.id.to_number());
                view::<Signal>(&call.signal).listen("abort", &listener);
                call.listener.set(Some(listener));
            }
        }
        promise
    }

    fn forget(&self, call: &Pending) {
        update(&self.calls, |calls| {
            if let Some(place) = calls.get_mut(call.id.place())
                && place.as_ref().is_some_and(|other| other.id == call.id)
            {
                *place = None;
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

use std::{cell::RefCell, rc::Rc};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use js_sys::{Array, Object, Promise};
use wasm_bindgen::{JsCast, JsValue};

use super::Wire;
use crate::{
    core::{self, Failure, Key},
    rust::{By, Cause, Error, Event, EventKind, Events, RefreshError, Rejection, Traced},
    web::Edge,
};

thread_local! {
    /// What tells our own rejections from those of `fetch`: nobody else has it.
    static MARK: JsValue = Object::new().into();
}

/// What one client does for the engine.
pub(super) struct RustEdge {
    wire: Rc<Wire>,
    subscribers: Rc<Subscribers>,
}

/// Who listens to a client; `None` once that is disposed of.
pub(super) struct Subscribers(RefCell<Option<Vec<UnboundedSender<Event>>>>);

impl RustEdge {
    pub(super) fn new(wire: Rc<Wire>, subscribers: Rc<Subscribers>) -> Self {
        Self { wire, subscribers }
    }
}

impl Edge for RustEdge {
    fn refresh(&self, key: Key) -> Result<Promise, JsValue> {
        self.wire.refresh(key)
    }

    fn error(&self, failure: Failure, cause: &JsValue) -> JsValue {
        MARK.with(|mark| Array::of3(mark, &(failure as u32).into(), cause).into())
    }

    fn announce(&self, event: core::Event, cause: core::Cause, peer: bool, status: u16) {
        let event = Event {
            kind: match event {
                core::Event::Refreshed => EventKind::Refreshed,
                core::Event::Expired => EventKind::Expired,
                core::Event::Unavailable => EventKind::Unavailable,
                core::Event::Ineffective => EventKind::Ineffective,
            },
            cause: match cause {
                core::Cause::Unauthorized => Cause::Unauthorized,
                core::Cause::Lifetime => Cause::Lifetime,
                core::Cause::Learnt => Cause::Learnt,
                core::Cause::Asked => Cause::Asked,
                core::Cause::Answered => Cause::Answered,
                core::Cause::Lost => Cause::Lost,
                core::Cause::Overdue => Cause::Overdue,
                core::Cause::SignedOut => Cause::SignedOut,
                core::Cause::Superseded => Cause::Superseded,
            },
            by: if peer { By::Peer } else { By::Client },
            status: (status != 0).then_some(status),
        };
        self.wire.trace(|| Traced::Announced(event));
        self.subscribers.tell(event);
    }
}

/// What a call was rejected with: by us, or by `fetch`.
pub(super) fn read_rejection(value: JsValue) -> Error {
    let is_ours = |parts: &&Array| MARK.with(|mark| parts.get(0) == *mark);
    let Some(parts) = value.dyn_ref::<Array>().filter(is_ours) else {
        return Error::Fetch(Rejection::new(value));
    };
    const NOT_REPLAYABLE: u32 = Failure::NotReplayable as u32;
    const DISPOSED: u32 = Failure::Disposed as u32;
    match parts.get(1).as_f64().unwrap_or_default() as u32 {
        NOT_REPLAYABLE => Error::NotReplayable,
        DISPOSED => Error::Disposed,
        _ => Error::RefreshUnavailable(read_cause(parts.get(2))),
    }
}

/// What `fetch` rejected with, the status of the answer, or nothing if none came.
fn read_cause(cause: JsValue) -> RefreshError {
    match cause.as_f64() {
        Some(0.0) => RefreshError::Redirected,
        Some(status) => RefreshError::Answered(status as u16),
        None if cause.is_undefined() => RefreshError::Overdue,
        None => RefreshError::Lost(Rejection::new(cause)),
    }
}

impl Subscribers {
    pub(super) fn add(&self) -> Events {
        let (sender, receiver) = unbounded();
        if let Some(senders) = self.0.borrow_mut().as_mut() {
            senders.push(sender);
        }
        Events(receiver)
    }

    pub(super) fn close(&self) {
        self.0.take();
    }

    pub(super) fn are_closed(&self) -> bool {
        self.0.borrow().is_none()
    }

    fn tell(&self, event: Event) {
        // Of those who listen at this moment: to be woken, one may run at once, and listen anew.
        let senders = self.0.borrow().clone();
        for sender in senders.into_iter().flatten() {
            // One who has stopped listening is not told.
            let _ = sender.unbounded_send(event);
        }
        if let Some(senders) = self.0.borrow_mut().as_mut() {
            senders.retain(|sender| !sender.is_closed());
        }
    }
}

impl Default for Subscribers {
    fn default() -> Self {
        Self(RefCell::new(Some(Vec::new())))
    }
}

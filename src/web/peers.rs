use std::cell::{Cell, RefCell};

use js_sys::{Array, Date, Float64Array, Function, JsString, Promise};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::AbortController;

use super::bindings::{
    Channel, Thenable, free_only, keep, kept, listen, open_channel, request_lock, unlisten, view,
};
use crate::core::{Cause, Key, News, Word};

/// What the tabs, workers and bundles of one origin share of a session: a lock, a channel, and their latest word in
/// storage. Each may be missing, or forbidden by a policy that throws; then it is as if there were no peers.
pub(crate) struct Peers {
    name: JsValue,
    open: RefCell<Option<Open>>,
    /// The latest word that was said or heard.
    known: Cell<JsValue>,
    lease: RefCell<Lease>,
}

struct Open {
    channel: Option<Channel>,
    returned: Function,
}

/// The lock, or what is done to get it.
#[derive(Default)]
struct Lease {
    number: u32,
    /// Stops waiting for it.
    controller: Option<AbortController>,
    /// Gives it back.
    release: Option<Function>,
}

/// What is called when the lock was asked for.
pub(crate) struct OnLock {
    /// With the lock, or with `null` if a peer has it.
    pub(crate) then: Function,
    /// It cannot be had.
    pub(crate) failed: Function,
    pub(crate) ignore: Function,
}

/// What came of asking for the lock.
pub(crate) enum Lock {
    /// It was asked for before, and is not wanted any more.
    Unwanted,
    Busy,
    Ours {
        waited: bool,
    },
}

const NEWS: [News; 6] = [
    News::Started,
    News::Refreshed,
    News::Expired,
    News::Unavailable,
    News::SignedIn,
    News::SignedOut,
];

const CAUSES: [Cause; 7] = [
    Cause::Unauthorized,
    Cause::Lifetime,
    Cause::Asked,
    Cause::Answered,
    Cause::Lost,
    Cause::Overdue,
    Cause::SignedOut,
];

impl Peers {
    pub(crate) fn new(name: JsValue) -> Self {
        Self {
            name,
            open: RefCell::default(),
            known: Cell::default(),
            lease: RefCell::default(),
        }
    }

    /// From now on `heard` is called with the messages of peers, and `returned` when the page is back from where it
    /// could hear nobody.
    pub(crate) fn open(&self, heard: Function, returned: Function) {
        let channel = open_channel(&self.name).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(&heard);
        }
        // Where there is no such event, there is no such cache.
        let _ = listen("pageshow", &returned);
        self.open.replace(Some(Open { channel, returned }));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.borrow().is_some()
    }

    pub(crate) fn close(&self) {
        if let Some(open) = self.open.take() {
            let _ = unlisten("pageshow", &open.returned);
            if let Some(channel) = open.channel {
                channel.close();
            }
        }
    }

    pub(crate) fn tell(&self, word: Word) {
        if let Some(open) = &*self.open.borrow() {
            let text = encode(word);
            // Neither of the two is needed, and both may be forbidden.
            let _ = keep(&self.name, &text);
            if let Some(channel) = &open.channel {
                let _ = channel.post(&text);
            }
            self.known.set(text);
        }
    }

    /// A message came over the channel.
    pub(crate) fn hear(&self, text: JsValue) -> Option<Word> {
        let word = decode(&text);
        self.known.set(text);
        word
    }

    /// The latest word of a peer, be it of a page that is gone, if it was not heard.
    pub(crate) fn latest(&self) -> Option<Word> {
        if !self.is_open() {
            return None;
        }
        let known = self.known.take();
        let text = kept(&self.name).ok().filter(|text| *text != known);
        self.known.set(known);
        decode(&text?)
    }

    /// Asks for the lock. False: there is none to be asked for.
    pub(crate) fn lock(&self, on: impl Fn(u32) -> OnLock) -> bool {
        let number = self.lease.borrow().number.wrapping_add(1);
        self.lease.replace(Lease {
            number,
            ..Lease::default()
        });
        self.is_open() && self.request(&free_only(), on(number))
    }

    /// The lock is ours, if it is no `null`. The promise is what the lock is held for.
    pub(crate) fn locked(
        &self,
        number: u32,
        lock: &JsValue,
        on: impl Fn(u32) -> OnLock,
    ) -> (Lock, JsValue) {
        if self.lease.borrow().number != number {
            return (Lock::Unwanted, JsValue::UNDEFINED);
        }
        if lock.is_null()
            && let Ok(controller) = AbortController::new()
        {
            // Of an options object only `signal` is read, and a controller has one.
            let asked = self.request(controller.as_ref(), on(number));
            self.lease.borrow_mut().controller = Some(controller);
            if asked {
                return (Lock::Busy, JsValue::UNDEFINED);
            }
        }
        let mut lease = self.lease.borrow_mut();
        let waited = lease.controller.take().is_some();
        let held = Promise::new(&mut |release, _| lease.release = Some(release));
        (Lock::Ours { waited }, held.into())
    }

    /// Whether the request for the lock is one that is waited for; it failed.
    pub(crate) fn is_wanted(&self, number: u32) -> bool {
        let lease = self.lease.borrow();
        lease.number == number && lease.release.is_none()
    }

    pub(crate) fn unlock(&self) {
        let number = self.lease.borrow().number.wrapping_add(1);
        let before = self.lease.replace(Lease {
            number,
            ..Lease::default()
        });
        if let Some(controller) = before.controller {
            controller.abort();
        }
        if let Some(release) = before.release {
            // It does not throw.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }

    fn request(&self, options: &JsValue, on: OnLock) -> bool {
        match request_lock(&self.name, options, &on.then) {
            Ok(promise) => {
                view::<Thenable>(&promise).watch(&on.ignore, &on.failed);
                true
            }
            Err(_) => false,
        }
    }
}

/// A word as text: numbers, of which none is a secret.
fn encode(word: Word) -> JsValue {
    let numbers = [
        f64::from(word.news as u32),
        // Rounded up: what was sent in the same millisecond was sent before.
        Date::now() - word.age + 1.0,
        word.span,
        f64::from(word.cause as u32),
        word.key.seed,
        f64::from(word.key.number),
    ];
    // Both kinds of arrays join alike.
    view::<Array>(&Float64Array::new_from_slice(&numbers))
        .join(",")
        .into()
}

/// `None` if it is no word of ours: anything may come over a channel, or lie in storage.
fn decode(text: &JsValue) -> Option<Word> {
    let text: &JsString = text.dyn_ref()?;
    let numbers = Float64Array::new(&text.split(","));
    let at = |index| numbers.get_index(index);
    let (age, span) = (Date::now() - at(1), at(2));
    // Written so that a NaN fails it.
    if numbers.length() != 6 || !(age.is_finite() && span >= 0.0) {
        return None;
    }
    Some(Word {
        news: *NEWS.get(at(0) as usize)?,
        age,
        span,
        cause: *CAUSES.get(at(3) as usize)?,
        key: Key {
            seed: at(4),
            number: at(5) as u32,
        },
    })
}

use std::cell::Cell;

use js_sys::{Date, Float64Array, Function, JsString};
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{
    Channel, Controller, Thenable, free_only, keep, kept, list, listen, open_channel, request_lock,
    settle, to_text, unlisten, view,
};
use crate::core::{Cause, Key, News, Word};

/// What the tabs, workers and bundles of one origin share of a session: a lock, a channel, and their latest word in
/// storage. Each may be missing, or forbidden by a policy that throws; then it is as if there were no peers.
pub(crate) struct Peers {
    name: JsValue,
    is_open: Cell<bool>,
    channel: Cell<Option<Channel>>,
    returned: Cell<Option<Function>>,
    /// The latest word that was said or heard.
    known: Cell<JsValue>,
    lease: Lease,
}

/// The lock, or what is done to get it.
#[derive(Default)]
struct Lease {
    number: Cell<u32>,
    /// Stops waiting for it.
    controller: Cell<Option<Controller>>,
    /// Gives it back.
    release: Cell<Option<Function>>,
}

impl Lease {
    /// Another one, to be asked for; the one before counts no more.
    fn renew(&self) -> u32 {
        let number = self.number.get().wrapping_add(1);
        self.number.set(number);
        number
    }
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
            is_open: Cell::default(),
            channel: Cell::default(),
            returned: Cell::default(),
            known: Cell::default(),
            lease: Lease::default(),
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
        self.is_open.set(true);
        self.channel.set(channel);
        self.returned.set(Some(returned));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub(crate) fn close(&self) {
        self.is_open.set(false);
        if let Some(returned) = self.returned.take() {
            let _ = unlisten("pageshow", &returned);
        }
        if let Some(channel) = self.channel.take() {
            channel.close();
        }
    }

    pub(crate) fn tell(&self, word: Word) {
        if !self.is_open() {
            return;
        }
        let text = encode(word);
        // Neither of the two is needed, and both may be forbidden.
        let _ = keep(&self.name, &text);
        if let Some(channel) = self.channel.take() {
            let _ = channel.post(&text);
            self.channel.set(Some(channel));
        }
        self.known.set(text);
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

    /// Asks for the lock. `then` is called with it, or with `null` if a peer has it, and `failed` if it cannot be had.
    /// False: there is none to be asked for.
    pub(crate) fn lock(&self, on: impl Fn(u32) -> (Function, Function)) -> bool {
        let number = self.lease.renew();
        self.is_open() && self.request(&free_only(), on(number))
    }

    /// The lock is ours, if it is no `null`.
    pub(crate) fn locked(
        &self,
        number: u32,
        lock: &JsValue,
        on: impl Fn(u32) -> (Function, Function),
    ) -> Lock {
        if self.lease.number.get() != number {
            return Lock::Unwanted;
        }
        if lock.is_null() {
            let controller = Controller::new();
            // Of an options object only `signal` is read, and a controller has one.
            let asked = self.request(controller.as_ref(), on(number));
            self.lease.controller.set(Some(controller));
            if asked {
                return Lock::Busy;
            }
        }
        let waited = self.lease.controller.take().is_some();
        Lock::Ours { waited }
    }

    /// The lock is held until that function is called.
    pub(crate) fn hold(&self, release: &Function) {
        self.lease.release.set(Some(release.clone()));
    }

    /// Whether there are no locks to be had here: that request failed, and at once. One that fails while a peer has the
    /// lock is that of a page that is about to go (WebKit), and no leave to do without.
    pub(crate) fn has_none(&self, number: u32) -> bool {
        let lease = &self.lease;
        let (controller, release) = (lease.controller.take(), lease.release.take());
        let is_first = controller.is_none() && release.is_none();
        lease.controller.set(controller);
        lease.release.set(release);
        lease.number.get() == number && is_first
    }

    pub(crate) fn unlock(&self) {
        self.lease.renew();
        if let Some(controller) = self.lease.controller.take() {
            controller.abort();
        }
        if let Some(release) = self.lease.release.take() {
            settle(&release, &JsValue::UNDEFINED);
        }
    }

    fn request(&self, options: &JsValue, (then, failed): (Function, Function)) -> bool {
        match request_lock(&self.name, options, &then) {
            Ok(promise) => {
                view::<Thenable>(&promise).watch_rejection(&failed);
                true
            }
            Err(_) => false,
        }
    }
}

/// A word as text: numbers, of which none is a secret.
fn encode(word: Word) -> JsValue {
    // Rounded up: what was sent in the same millisecond was sent before.
    let moment = Date::now() - word.age + 1.0;
    let (news, cause) = (word.news as u32, word.cause as u32);
    let numbers = list(
        news,
        moment,
        word.span,
        cause,
        word.key.seed,
        word.key.number,
    );
    // A list as text is what is in it, with commas in between.
    to_text(&numbers)
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

use std::cell::Cell;

use js_sys::{Date, Float64Array, Function, JsString};
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{
    Channel, Controller, Event, Thenable, free_only, keep, keep_here, kept, kept_here, list,
    listen, open_channel, request_lock, settle, to_text, unlisten, view,
};
use crate::core::{Cause, Key, Lifetime, News, Word};

/// What the tabs, workers and bundles of one origin share of a session: a lock, a channel, and their latest word in
/// storage. Each may be missing, or forbidden by a policy that throws; then it is as if there were no peers.
pub(crate) struct Peers {
    name: JsValue,
    is_open: Cell<bool>,
    channel: Cell<Option<Channel>>,
    /// Whether the page is put away, or about to be.
    is_hidden: Cell<bool>,
    /// What listens to `pagehide` and `pageshow`.
    listeners: Cell<Option<[Function; 2]>>,
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

/// How words are written. Another version is not understood, and so no word of ours.
const VERSION: f64 = 2.0;
/// How many numbers make up a word.
const NUMBERS: u32 = 17;
/// No word of ours is longer. What is may be megabytes.
const LONGEST: u32 = 400;

impl Peers {
    pub(crate) fn new(name: JsValue) -> Self {
        Self {
            name,
            is_open: Cell::default(),
            channel: Cell::default(),
            is_hidden: Cell::default(),
            listeners: Cell::default(),
            known: Cell::default(),
            lease: Lease::default(),
        }
    }

    /// From now on `heard` is called with the messages of peers, `hidden` when the page is put away, and `returned` when it
    /// is back from where it could hear nobody.
    pub(crate) fn open(&self, [heard, hidden, returned]: [Function; 3]) {
        self.is_open.set(true);
        self.listen_to_channel(&heard);
        // Where there are no such events, there is no such cache.
        let _ = listen("pagehide", &hidden);
        let _ = listen("pageshow", &returned);
        self.listeners.set(Some([hidden, returned]));
    }

    fn listen_to_channel(&self, heard: &Function) {
        let channel = open_channel(&self.name).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(heard);
            let _ = channel.unref();
        }
        self.channel.set(channel);
    }

    /// The page is put away. In the back-forward cache a message would put an end to it.
    pub(crate) fn hide(&self, event: &Event) {
        self.is_hidden.set(true);
        if event.persisted() {
            self.close_channel();
        }
    }

    /// Whether what fails now fails because its page goes away.
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_hidden.get()
    }

    /// The page is back from there.
    pub(crate) fn come_back(&self, heard: &Function) {
        self.is_hidden.set(false);
        self.close_channel();
        self.listen_to_channel(heard);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub(crate) fn close(&self) {
        self.is_open.set(false);
        if let Some([hidden, returned]) = self.listeners.take() {
            let _ = unlisten("pagehide", &hidden);
            let _ = unlisten("pageshow", &returned);
        }
        self.close_channel();
    }

    fn close_channel(&self) {
        if let Some(channel) = self.channel.take() {
            channel.close();
        }
    }

    pub(crate) fn tell(&self, word: Word) {
        if !self.is_open() {
            return;
        }
        let text = encode(word);
        // None of the three is needed, and each may be forbidden. The second place is this tab's own, for when the first is
        // full, or cleared.
        let _ = keep(&self.name, &text);
        let _ = keep_here(&self.name, &text);
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

    /// Whether there is a place for them that all pages share: a worker has none.
    pub(crate) fn are_words_kept(&self) -> bool {
        kept(&self.name).is_ok()
    }

    /// The latest word of a peer, be it of a page that is gone, if it was not heard.
    pub(crate) fn latest(&self) -> Option<Word> {
        if !self.is_open() {
            return None;
        }
        let mut text = kept(&self.name).unwrap_or_default();
        let here = kept_here(&self.name).unwrap_or_default();
        let mut word = decode(&text);
        if let Some(other) = decode(&here)
            && word.is_none_or(|word| other.age < word.age)
        {
            (text, word) = (here, Some(other));
        }
        let known = self.known.take();
        let is_news = text != known;
        self.known.set(known);
        word.filter(|_| is_news)
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
    let now = Date::now();
    let numbers = list(
        VERSION,
        word.news as u32,
        // Rounded up: what was sent in the same millisecond was sent before.
        now - word.age + 1.0,
        word.span,
        now - word.sent,
        word.cause as u32,
        word.status,
        word.key.seed,
        word.key.number,
        // Above what fits a signed number, as which the glue hands over whole ones.
        word.address.into(),
        word.session.seed,
        word.session.number,
        word.subject.into(),
        word.lifetime.age,
        word.lifetime.uses,
        word.lifetime.changes,
        // The end: a word that was cut off is none.
        VERSION,
    );
    // A list as text is what is in it, with commas in between.
    to_text(&numbers)
}

/// `None` if it is no word of ours: anything may come over a channel, or lie in storage.
fn decode(text: &JsValue) -> Option<Word> {
    let text: &JsString = text.dyn_ref()?;
    if text.length() > LONGEST {
        return None;
    }
    let numbers = Float64Array::new(&text.split(","));
    let at = |index| numbers.get_index(index);
    let is_whole = numbers.length() == NUMBERS && at(0) == VERSION && at(NUMBERS - 1) == VERSION;
    if !is_whole || !(0..NUMBERS).all(|index| at(index).is_finite()) {
        return None;
    }
    let now = Date::now();
    let (age, span, sent) = (now - at(2), at(3), now - at(4));
    if span < 0.0 {
        return None;
    }
    Some(Word {
        news: News::from_code(at(1))?,
        age,
        span,
        sent,
        cause: Cause::from_code(at(5))?,
        status: at(6) as u16,
        key: Key {
            seed: at(7),
            number: at(8) as u32,
        },
        address: at(9) as u32,
        session: Key {
            seed: at(10),
            number: at(11) as u32,
        },
        subject: at(12) as u32,
        lifetime: Lifetime {
            age: at(13),
            uses: at(14) as u32,
            changes: at(15) as u32,
        },
    })
}

use std::cell::Cell;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, ReadableStreamDefaultReader, Response};

use super::bindings::{Cancelable, Chunk, clear_timeout, set_timeout, view};

/// The most that is kept of a 401's body while it waits.
const LARGEST: f64 = 65_536.0;
/// The longest that it may take to come in, in milliseconds.
const LONGEST: f64 = 1_000.0;

/// Reads a 401's body ahead, so that it waits without a connection: forty of them would starve the refresh that
/// they wait for. The response itself stays whole.
#[derive(Default)]
pub(crate) struct ReadAhead {
    reader: Cell<Option<ReadableStreamDefaultReader>>,
    read: Cell<f64>,
    /// Runs until the end of the body.
    timer: Cell<Option<JsValue>>,
}

impl ReadAhead {
    /// `None` if there is nothing to read. `late` is called when it has taken too long.
    pub(crate) fn start(&self, response: &Response, late: impl FnOnce() -> Function) -> Option<()> {
        // Without a body there is no need of a clone.
        body_of(response)?;
        let reader = response.clone().ok()?.body()?.get_reader();
        self.reader.set(Some(reader.unchecked_into()));
        self.read.set(0.0);
        self.timer.set(Some(set_timeout(&late(), LONGEST)));
        Some(())
    }

    /// What comes next.
    pub(crate) fn read(&self) -> Option<Promise> {
        let reader = self.reader.take()?;
        let chunk = reader.read();
        self.reader.set(Some(reader));
        Some(chunk)
    }

    /// Takes what was read. `None` at the end; otherwise whether it is still small enough to go on.
    pub(crate) fn take(&self, chunk: &JsValue) -> Option<bool> {
        let Some(bytes) = view::<Chunk>(chunk).value() else {
            self.stop();
            return None;
        };
        let read = self.read.get() + bytes.byte_length();
        self.read.set(read);
        Some(read <= LARGEST)
    }

    /// Whether its end has not come yet, now that it has taken too long.
    pub(crate) fn is_late(&self) -> bool {
        self.timer.take().is_some()
    }

    fn stop(&self) {
        if let Some(timer) = self.timer.take() {
            clear_timeout(&timer);
        }
    }

    pub(crate) fn cancel(&self) -> Option<Promise> {
        self.stop();
        let reader = self.reader.take()?;
        Some(give_up(&reader))
    }
}

/// Gives up a body that nobody will read, and with it the connection.
pub(crate) fn cancel(response: &Response) -> Option<Promise> {
    let body = body_of(response)?;
    Some(give_up(&body))
}

/// An injected fetch may answer what only looks like a response: nobody knows what its body is.
fn body_of(response: &Response) -> Option<ReadableStream> {
    if !response.is_instance_of::<Response>() {
        return None;
    }
    response.body()
}

fn give_up(body: &JsValue) -> Promise {
    view::<Cancelable>(body).cancel()
}

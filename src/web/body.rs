use std::cell::Cell;

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStreamDefaultReader, Response};

use super::bindings::{Cancelable, Chunk, view};

/// The most that is kept of a 401's body while it waits.
const LARGEST: f64 = 65_536.0;

/// Reads a 401's body ahead, so that it waits without a connection: forty of them would starve the refresh that
/// they wait for. The response itself stays whole.
#[derive(Default)]
pub(crate) struct ReadAhead {
    reader: Cell<Option<ReadableStreamDefaultReader>>,
    read: Cell<f64>,
}

impl ReadAhead {
    /// `None` if there is nothing to read.
    pub(crate) fn start(&self, response: &Response) -> Option<()> {
        // Without a body there is no need of a clone.
        response.body()?;
        let reader = response.clone().ok()?.body()?.get_reader();
        self.reader.set(Some(reader.unchecked_into()));
        self.read.set(0.0);
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
        let read = self.read.get() + view::<Chunk>(chunk).value()?.byte_length();
        self.read.set(read);
        Some(read <= LARGEST)
    }

    pub(crate) fn cancel(&self) -> Option<Promise> {
        let reader = self.reader.take()?;
        Some(give_up(&reader))
    }
}

/// Gives up a body that nobody will read, and with it the connection.
pub(crate) fn cancel(response: &Response) -> Option<Promise> {
    let body = response.body()?;
    Some(give_up(&body))
}

fn give_up(body: &JsValue) -> Promise {
    view::<Cancelable>(body).cancel()
}

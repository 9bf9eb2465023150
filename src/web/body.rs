use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStreamDefaultReader, Response};

use super::bindings::{Cancelable, Chunk, Thenable, view};

/// The most that is kept of a 401's body while it waits.
const LARGEST: f64 = 65_536.0;

/// Reads a 401's body ahead, so that it waits without a connection: forty of them would starve the refresh that
/// they wait for. The response itself stays whole.
pub(crate) struct ReadAhead {
    reader: ReadableStreamDefaultReader,
    read: f64,
}

impl ReadAhead {
    /// `None` if there is nothing to read.
    pub(crate) fn start(response: &Response) -> Option<Self> {
        // Without a body there is no need of a clone.
        response.body()?;
        let reader = response.clone().ok()?.body()?.get_reader().unchecked_into();
        Some(Self { reader, read: 0.0 })
    }

    pub(crate) fn read(&self, fulfilled: &Function, rejected: &Function) {
        view::<Thenable>(&self.reader.read()).watch(fulfilled, rejected);
    }

    /// Takes what was read. `None` at the end; otherwise whether it is still small enough to go on.
    pub(crate) fn take(&mut self, chunk: &JsValue) -> Option<bool> {
        self.read += view::<Chunk>(chunk).value()?.byte_length();
        Some(self.read <= LARGEST)
    }

    pub(crate) fn cancel(&self, ignore: &Function) {
        give_up(&self.reader, ignore);
    }
}

/// Gives up a body that nobody will read, and with it the connection.
pub(crate) fn cancel(response: &Response, ignore: &Function) {
    if let Some(body) = response.body() {
        give_up(&body, ignore);
    }
}

fn give_up(body: &JsValue, ignore: &Function) {
    view::<Thenable>(&view::<Cancelable>(body).cancel()).watch(ignore, ignore);
}

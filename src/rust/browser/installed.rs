use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Error as JsError, Function, Promise, Reflect, Symbol, global};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::future_to_promise;
use web_sys::{ReadableStream, Request};

use super::{Abandon, Handle, read_address, settle};
use crate::{
    core::Place,
    rust::{Error, RefreshError},
};

/// A client in the place of the page's `fetch`.
pub(super) struct Installed {
    fetch: JsValue,
    before: Function,
    /// Nobody once it is undone: whoever has wrapped ours since goes through it to the one before.
    client: Rc<RefCell<Option<Handle>>>,
}

impl Installed {
    /// Nothing, where there is no `fetch`.
    pub(super) fn new(client: &Handle) -> Option<Self> {
        let before: Function = Reflect::get(&global(), &"fetch".into())
            .ok()?
            .dyn_into()
            .ok()?;
        *client.0.wire.native.borrow_mut() = Some(before.clone());
        let client = Rc::new(RefCell::new(Some(client.clone())));
        let fetch = {
            let (client, before) = (Rc::clone(&client), before.clone());
            // Left to the garbage collector, because somebody else may hold it when it is undone.
            Closure::<dyn Fn(JsValue, JsValue) -> Result<JsValue, JsValue>>::new(
                move |input: JsValue, init: JsValue| {
                    // Not borrowed meanwhile: to fetch may be the page's own code.
                    let client = client.borrow().clone();
                    match client {
                        Some(client) if client.takes(&input, &init) => {
                            Ok(client.stand_in(&input, &init).into())
                        }
                        _ => before.call2(&JsValue::UNDEFINED, &input, &init),
                    }
                },
            )
            .into_js_value()
        };
        Reflect::set(&global(), &"fetch".into(), &fetch).ok()?;
        Some(Self {
            fetch,
            before,
            client,
        })
    }

    pub(super) fn undo(self) {
        self.client.take();
        let is_ours = Reflect::get(&global(), &"fetch".into()).is_ok_and(|it| it == self.fetch);
        if is_ours {
            // It could be replaced, so it can be put back.
            let _ = Reflect::set(&global(), &"fetch".into(), &self.before);
        }
    }
}

impl Handle {
    /// Whether that is in scope, and not called by a fetch of our own.
    fn takes(&self, input: &JsValue, init: &JsValue) -> bool {
        let wire = &self.0.wire;
        let request = match input.dyn_ref::<Request>() {
            Some(request) => Some(Clone::clone(request)),
            // The browser resolves it, as it would for itself.
            None => String::try_from(js_string(input))
                .ok()
                .and_then(|url| Request::new_with_str(&url).ok()),
        };
        let Some(request) = request.filter(|_| !wire.sending.get()) else {
            return false;
        };
        let method = get(init, "method").as_string();
        let method = method.unwrap_or_else(|| request.method());
        read_address(&request.url())
            .is_some_and(|address| wire.scope.place(&address, &method) != Place::Unguarded)
    }

    /// Does what `fetch` does, with these arguments.
    fn stand_in(&self, input: &JsValue, init: &JsValue) -> Promise {
        let replayable = !get(init, "body").has_type::<ReadableStream>();
        let abandon = Abandon::new();
        let promise =
            make(input, init).and_then(|request| self.begin(request, replayable, &abandon));
        future_to_promise(async move { settle(promise, abandon).await.map_err(rejection_of) })
    }
}

/// The very `Request` that `fetch` makes of its arguments (Fetch standard, `fetch` method, step 2).
fn make(input: &JsValue, init: &JsValue) -> Result<Request, JsValue> {
    let constructor: Function = get(&global(), "Request").unchecked_into();
    Reflect::construct(&constructor, &Array::of2(input, init)).map(JsCast::unchecked_into)
}

/// What a page is told that knows nothing of Rust: as the npm package says it.
fn rejection_of(error: Error) -> JsValue {
    let code = match &error {
        Error::Fetch(rejection) => return rejection.value().clone(),
        Error::NotReplayable => "not_replayable",
        Error::Disposed => "disposed",
        _ => "refresh_unavailable",
    };
    let told = JsError::new(&error.to_string());
    told.set_name("KeepfreshError");
    let cause = match error {
        Error::RefreshUnavailable(RefreshError::Lost(rejection)) => rejection.value().clone(),
        _ => JsValue::UNDEFINED,
    };
    // What `isKeepfreshError` of the npm package looks for.
    let brand = Symbol::for_("keepfresh.error").into();
    for (name, value) in [
        ("code".into(), code.into()),
        ("cause".into(), cause),
        (brand, JsValue::TRUE),
    ] {
        // It fails for objects that are frozen, and this one is ours.
        let _ = Reflect::set(&told, &name, &value);
    }
    told.into()
}

fn js_string(value: &JsValue) -> JsValue {
    // It may throw in what the page has written, and `fetch` does then too.
    let text: Function = get(&global(), "String").unchecked_into();
    text.call1(&JsValue::UNDEFINED, value).unwrap_or_default()
}

fn get(object: &JsValue, name: &str) -> JsValue {
    // It throws for what is no object, which has nothing of the kind.
    Reflect::get(object, &name.into()).unwrap_or_default()
}

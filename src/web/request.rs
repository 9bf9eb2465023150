use js_sys::{Array, ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::JsValue;

use super::bindings::{
    self, FormData, FullRequest, HeaderList, Init, Input, SearchParams, is_absent, view,
};

/// A request as it was when its caller made it, to be sent as often as need be with the same bytes.
///
/// What the caller still holds in hand and may change (headers, buffers, forms) is copied at once; what cannot
/// change (strings, blobs, a request without a body) is not.
pub(crate) struct Kept {
    input: JsValue,
    init: JsValue,
    /// `input` is a `Request` with a body, which can be read once: what is sent is it, what is kept a clone.
    cloned: bool,
    replayable: bool,
}

impl Kept {
    /// `None`: what `fetch` is given makes no sense, and `fetch` is the one to say so.
    pub(crate) fn new(input: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let is_request = is_request(input);
        // A URL object can change; what it says now cannot.
        let mut input = if is_request || input.is_string() {
            input.clone()
        } else {
            bindings::to_string(input)
        };
        let mut kept_init = JsValue::UNDEFINED;
        let mut replayable = true;
        let mut cloned = is_request && may_have_body(view::<Init>(&input));
        if !is_absent(init) {
            let body = view::<Init>(init).body();
            let copied = copy_body(&body);
            replayable = copied.is_some();
            if !replayable || is_plain(init) {
                kept_init = Object::assign(&Object::new(), view(init)).into();
                if let Some(copied) = copied.filter(|_| !is_absent(&body)) {
                    view::<Init>(&kept_init).set_body(&copied);
                    cloned = false;
                }
                copy_headers(view(&kept_init))?;
            } else {
                // An object of a class keeps what it knows behind getters: only `Request` can tell what it means.
                input = FullRequest::new(&input, init)?.into();
                cloned = may_have_body(view::<Init>(&input));
            }
        }
        Ok(Self {
            input,
            init: kept_init,
            cloned,
            replayable,
        })
    }

    pub(crate) fn is_replayable(&self) -> bool {
        self.replayable
    }

    /// What to hand to `fetch`, this time.
    pub(crate) fn take(&mut self) -> Result<(JsValue, JsValue), JsValue> {
        let mut input = self.input.clone();
        if self.cloned {
            input = view::<Input>(&self.input).try_clone()?;
            std::mem::swap(&mut input, &mut self.input);
        }
        Ok((input, self.init.clone()))
    }

    pub(crate) fn method(&self) -> String {
        self.init()
            .map(Init::method)
            .filter(|method| !is_absent(method))
            .or_else(|| self.request().map(Init::method))
            .and_then(|method| method.as_string())
            .unwrap_or_else(|| "GET".into())
    }

    /// The signal that aborts it, or `undefined`.
    pub(crate) fn signal(&self) -> JsValue {
        match self.init().map(Init::signal) {
            Some(signal) if !signal.is_undefined() => signal,
            _ => self.request().map_or(JsValue::UNDEFINED, Init::signal),
        }
    }

    pub(crate) fn include_credentials(&mut self) {
        self.own_init().set_credentials("include");
    }

    /// Adds a header, and keeps the request from being redirected to another origin with it.
    pub(crate) fn add_header(
        &mut self,
        name: &JsValue,
        value: &JsValue,
        stay: bool,
    ) -> Result<(), JsValue> {
        let given = self
            .init()
            .map(Init::headers)
            .filter(|headers| !is_absent(headers));
        let headers = given.or_else(|| self.request().map(Init::headers));
        let headers = HeaderList::copy(&headers.unwrap_or(JsValue::UNDEFINED))?;
        headers.set(name, value)?;
        let init = self.own_init();
        init.set_headers(&headers);
        if stay && is_absent(&init.mode()) {
            init.set_mode("same-origin");
        }
        Ok(())
    }

    fn init(&self) -> Option<&Init> {
        (!is_absent(&self.init)).then(|| view(&self.init))
    }

    fn request(&self) -> Option<&Init> {
        (!self.input.is_string()).then(|| view(&self.input))
    }

    fn own_init(&mut self) -> &Init {
        if is_absent(&self.init) {
            self.init = Object::new().into();
            if !self.input.is_string() {
                // Any `init` makes fetch forget a request's referrer (Fetch standard, `new Request`, step 13).
                let (init, input) = (view::<Init>(&self.init), view::<Input>(&self.input));
                init.set_referrer(&input.referrer());
                init.set_referrer_policy(&input.referrer_policy());
            }
        }
        view(&self.init)
    }
}

/// The credentials mode that the caller chose, or `undefined`.
pub(crate) fn chosen_credentials(input: &JsValue, init: &JsValue) -> JsValue {
    if !is_absent(init) {
        let chosen = view::<Init>(init).credentials();
        if !is_absent(&chosen) {
            return chosen;
        }
    }
    if !is_request(input) {
        return JsValue::UNDEFINED;
    }
    let mode = view::<Init>(input).credentials();
    // Every `Request` has a mode; this is the one it has when nobody chose.
    if mode == "same-origin" {
        JsValue::UNDEFINED
    } else {
        mode
    }
}

/// By what it has, not by its class: a request may come from another realm.
pub(crate) fn is_request(input: &JsValue) -> bool {
    input.is_object() && view::<Input>(input).url().is_string()
}

/// By method: Firefox does not tell the body of a `Request`.
fn may_have_body(request: &Init) -> bool {
    !matches!(
        request.method().as_string().as_deref(),
        Some("GET" | "HEAD")
    )
}

fn is_plain(value: &JsValue) -> bool {
    let prototype = Object::get_prototype_of(value);
    prototype.is_null() || Object::get_prototype_of(&prototype).is_null()
}

/// A body that nobody else can change; `None` for one that can be read only once.
fn copy_body(body: &JsValue) -> Option<JsValue> {
    if !body.is_object() {
        return Some(body.clone());
    }
    if ArrayBuffer::is_view(body) {
        let seen: &Uint8Array = view(body);
        let bytes = Uint8Array::new_with_byte_offset_and_length(
            &seen.buffer(),
            seen.byte_offset(),
            seen.byte_length(),
        );
        return Some(bytes.slice(0, bytes.length()).into());
    }
    Some(match bindings::kind_of(body).as_str() {
        "[object ArrayBuffer]" => view::<ArrayBuffer>(body).slice(0).into(),
        "[object URLSearchParams]" => SearchParams::copy(body).into(),
        "[object FormData]" => {
            let copy = FormData::new();
            for field in Array::from(body) {
                let field: &Array = view(&field);
                copy.append(&field.get(0), &field.get(1));
            }
            copy.into()
        }
        "[object ReadableStream]" => return None,
        _ => body.clone(),
    })
}

fn copy_headers(init: &Init) -> Result<(), JsValue> {
    let headers = init.headers();
    if is_absent(&headers) {
        return Ok(());
    }
    if is_plain(&headers) {
        init.set_headers(&Object::assign(&Object::new(), view(&headers)));
    } else {
        init.set_headers(&HeaderList::copy(&headers)?.into());
    }
    Ok(())
}

use std::rc::Rc;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{AbortSignal, Headers, Request, RequestCredentials, RequestInit, Response};

use super::{
    answer::{cancel, expect_response, is, lifetime_in, read_body, retry_after},
    globals,
};
use crate::{
    core::{Key, Scope},
    rust::{builder::Csrf, error::describe},
};

/// The ways out of one client: the fetch to use, the refresh, and what goes which way.
pub(super) struct Wire {
    pub(super) scope: Scope,
    pub(super) fetch: Option<Function>,
    pub(super) csrf: Option<Csrf>,
    pub(super) refresh: Refresh,
}

/// How the refresh is sent.
pub(super) struct Refresh {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) headers: Headers,
    /// Whether it goes to the origin that we run in.
    pub(super) at_home: bool,
    pub(super) idempotency_key: bool,
    /// What it is given, in milliseconds. An answer is welcome for three times as long.
    pub(super) timeout: f64,
}

impl Wire {
    pub(super) fn fetch(&self, request: &Request, init: &RequestInit) -> Result<Promise, JsValue> {
        globals::fetch(self.fetch.as_ref(), request, init)
    }

    /// Adds the CSRF header: never over one that is there, and only if there is a value that it can hold. A cookie that is
    /// not there proves nothing.
    pub(super) fn add_csrf(&self, headers: &Headers) {
        let (header, value) = match &self.csrf {
            Some(Csrf::Header { header, value }) => (header, Some(value.clone())),
            Some(Csrf::Cookie { header, cookie }) => (header, globals::cookie(cookie)),
            None => return,
        };
        if let Some(value) = value
            && headers.has(header).is_ok_and(|has| !has)
        {
            let _ = headers.set(header, &value);
        }
    }

    /// Comes back with five numbers ([`crate::web::Edge::refresh`]).
    pub(super) fn refresh(self: &Rc<Self>, key: Key) -> Result<Promise, JsValue> {
        let signal = AbortSignal::timeout_with_f64(3.0 * self.refresh.timeout);
        let sent = self.send_refresh(key, &signal)?;
        Ok(future_to_promise(async move {
            let response = expect_response(JsFuture::from(sent).await?)?;
            read_refresh(&response).await
        }))
    }

    fn send_refresh(&self, key: Key, signal: &AbortSignal) -> Result<Promise, JsValue> {
        let refresh = &self.refresh;
        let headers = Headers::new_with_headers(&refresh.headers)?;
        self.add_csrf(&headers);
        if refresh.idempotency_key {
            // draft-ietf-httpapi-idempotency-key-header: a quoted string. The seed in JavaScript's words, because a
            // peer may say the same in JavaScript.
            let seed = describe(&key.seed.into());
            headers.set("idempotency-key", &format!("\"{seed}-{}\"", key.number))?;
        }
        let init = RequestInit::new();
        init.set_method(&refresh.method);
        init.set_headers(&headers);
        init.set_signal(Some(signal));
        init.set_credentials(if refresh.at_home {
            RequestCredentials::SameOrigin
        } else {
            RequestCredentials::Include
        });
        for (name, value) in [
            // A reload or a closed tab must not lose the cookie that the server has just rotated.
            ("keepalive", JsValue::TRUE),
            // A refresh that is sent elsewhere, to a sign-in page say, is a refusal and not a 200.
            ("redirect", "manual".into()),
            ("cache", "no-store".into()),
        ] {
            Reflect::set(init.unchecked_ref(), &name.into(), &value)?;
        }
        globals::fetch(self.fetch.as_ref(), &refresh.url.as_str().into(), &init)
    }
}

async fn read_refresh(response: &Response) -> Result<JsValue, JsValue> {
    // An injected fetch may resolve with what native fetch rejects with.
    if is(response, "error") {
        let message = "the refresh was answered by Response.error()";
        return Err(js_sys::TypeError::new(message).into());
    }
    // It is sent so that the browser does not follow redirects, and a redirect then has no status. A service worker or
    // an injected fetch may follow one all the same.
    let status = if response.redirected() {
        0
    } else {
        response.status()
    };
    let lifetime = if response.ok() {
        lifetime_in(read_body(response).await.as_deref())
    } else {
        cancel(response);
        f64::NAN
    };
    let numbers = Array::new();
    for number in [
        f64::from(status),
        retry_after(&response.headers()),
        0.0,
        lifetime,
        0.0,
    ] {
        numbers.push(&number.into());
    }
    Ok(numbers.into())
}

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Headers, Request, RequestCredentials, RequestInit};

use super::globals;
use crate::{
    core::Key,
    rust::{builder::Csrf, error::describe},
};

/// The ways out of one client: the fetch to use, and the refresh.
pub(super) struct Wire {
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
}

impl Wire {
    pub(super) fn fetch(&self, request: &Request, init: &RequestInit) -> Result<Promise, JsValue> {
        globals::fetch(self.fetch.as_ref(), request, init)
    }

    /// A cookie that is not there proves nothing, so then nothing is added.
    pub(super) fn add_csrf(&self, headers: &Headers) -> Result<(), JsValue> {
        match &self.csrf {
            Some(Csrf::Header { header, value }) => headers.set(header, value),
            Some(Csrf::Cookie { header, cookie }) => match globals::cookie(cookie) {
                Some(value) => headers.set(header, &value),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    pub(super) fn refresh(&self, key: Key, signal: &AbortSignal) -> Result<Promise, JsValue> {
        let refresh = &self.refresh;
        let headers = Headers::new_with_headers(&refresh.headers)?;
        self.add_csrf(&headers)?;
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

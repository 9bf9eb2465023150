use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{AbortSignal, Headers, Request, RequestCredentials, RequestInit, Response};

use super::{
    answer::{cancel, expect_response, in_milliseconds, is, lifetime_in, read_body, retry_after},
    globals,
};
use crate::{
    core::{self, Grant, Key, Scope, is_unsafe},
    rust::{
        Csrf, Meaning, Outcome, Reply, ReplyOf, TraceEntry, Traced, TracedRequest,
        builder::{Interpret, IsExpired, Trace},
        csrf::CsrfValue,
        error::describe,
    },
};

/// The ways out of one client: the fetch to use, the refresh, and what goes which way.
pub(super) struct Wire {
    pub(super) scope: Scope,
    pub(super) fetch: Option<Function>,
    /// What the page's own was before the client was installed in its place.
    pub(super) native: RefCell<Option<Function>>,
    /// Whether a fetch is being called. What that calls in turn is not for the client.
    pub(super) sending: Cell<bool>,
    pub(super) is_expired: Option<IsExpired>,
    pub(super) interpret: Option<Interpret>,
    pub(super) trace: Option<Trace>,
    pub(super) csrf: Option<Csrf>,
    pub(super) refresh: Refresh,
}

/// How the refresh is sent.
pub(super) struct Refresh {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) headers: Headers,
    pub(super) body: Option<String>,
    pub(super) csrf: Option<Csrf>,
    /// Whether it goes to the origin that we run in.
    pub(super) at_home: bool,
    pub(super) idempotency_key: bool,
    /// What it is given, in milliseconds. An answer is welcome for three times as long.
    pub(super) timeout: f64,
}

impl Wire {
    pub(super) fn fetch(&self, request: &Request, init: &RequestInit) -> Result<Promise, JsValue> {
        self.send(request, init)
    }

    fn send(&self, input: &JsValue, init: &JsValue) -> Result<Promise, JsValue> {
        let native = self.native.borrow().clone();
        let outer = self.sending.replace(true);
        let sent = globals::fetch(self.fetch.as_ref().or(native.as_ref()), input, init);
        self.sending.set(outer);
        sent
    }

    /// What adds the CSRF header to a request of that method, if there is one to be added.
    pub(super) fn csrf_for(&self, method: &str) -> Option<&Csrf> {
        let csrf = self.csrf.as_ref()?;
        (csrf.all || is_unsafe(method)).then_some(csrf)
    }

    /// Tells whoever asked to be told.
    pub(super) fn trace(&self, what: impl FnOnce() -> Traced) {
        if let Some(trace) = &self.trace {
            trace(&TraceEntry {
                at: globals::now(),
                what: what(),
            });
        }
    }

    /// Comes back with five numbers ([`crate::web::Edge::refresh`]).
    pub(super) fn refresh(self: &Rc<Self>, key: Key) -> Result<Promise, JsValue> {
        let signal = AbortSignal::timeout_with_f64(3.0 * self.refresh.timeout);
        self.trace(|| Traced::Sent(self.traced_refresh()));
        let sent = self.send_refresh(key, &signal);
        let wire = Rc::clone(self);
        Ok(future_to_promise(async move {
            let answer = JsFuture::from(sent.unwrap_or_else(|error| Promise::reject(&error)));
            let answer = answer.await.and_then(expect_response);
            wire.trace(|| Traced::of(wire.traced_refresh(), &answer));
            wire.read_refresh(&answer?).await
        }))
    }

    fn traced_refresh(&self) -> TracedRequest {
        TracedRequest::new(None, &self.refresh.method, &self.refresh.url)
    }

    fn send_refresh(&self, key: Key, signal: &AbortSignal) -> Result<Promise, JsValue> {
        let refresh = &self.refresh;
        let headers = Headers::new_with_headers(&refresh.headers)?;
        if let Some(csrf) = &refresh.csrf {
            add_csrf(csrf, &headers);
        }
        if refresh.idempotency_key {
            // draft-ietf-httpapi-idempotency-key-header: a quoted string. The seed in JavaScript's words, because a
            // peer may say the same in JavaScript.
            let seed = describe(&key.seed.into());
            headers.set("idempotency-key", &format!("\"{seed}-{}\"", key.number))?;
        }
        let init = RequestInit::new();
        init.set_method(&refresh.method);
        init.set_headers(&headers);
        if let Some(body) = &refresh.body {
            init.set_body(&body.into());
        }
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
        self.send(&refresh.url.as_str().into(), &init)
    }

    async fn read_refresh(&self, response: &Response) -> Result<JsValue, JsValue> {
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
        let body = if response.ok() || self.interpret.is_some() {
            read_body(response).await
        } else {
            cancel(response);
            None
        };
        let Said { outcome, grant } = self.read(ReplyOf::Refresh, status, body.as_deref());
        let numbers = Array::new();
        for number in [
            f64::from(status),
            retry_after(&response.headers()),
            outcome.map_or(0.0, |it| f64::from(it as u32 + 1)),
            grant.lifetime,
            f64::from(grant.subject),
        ] {
            numbers.push(&number.into());
        }
        Ok(numbers.into())
    }

    /// What the answer says.
    pub(super) fn read(&self, of: ReplyOf, status: u16, body: Option<&[u8]>) -> Said {
        let body = body.filter(|body| !body.is_empty()).map(parse);
        let announced = lifetime_in(body.as_ref());
        let reply = Reply { of, status, body };
        let told = self.interpret.as_ref().and_then(|it| it(&reply));
        let Meaning {
            outcome,
            expires_in,
            subject,
        } = told.unwrap_or_default();
        Said {
            outcome: outcome.map(|it| match it {
                Outcome::Renewed => core::Outcome::Renewed,
                Outcome::Expired => core::Outcome::Expired,
                Outcome::Unavailable => core::Outcome::Unavailable,
            }),
            grant: Grant {
                lifetime: expires_in.map_or(announced, |it| in_milliseconds(Some(it))),
                subject: subject.map_or(0, |it| hash(&it).max(1)),
            },
        }
    }
}

impl Traced {
    /// What came of that request.
    pub(super) fn of(about: TracedRequest, answer: &Result<Response, JsValue>) -> Self {
        match answer {
            Ok(response) => Self::Answered(about, response.status()),
            Err(error) => {
                let name = Reflect::get(error, &"name".into()).unwrap_or_default();
                let name = name.as_string().or(error.js_typeof().as_string());
                Self::Failed(about, name.unwrap_or_default())
            }
        }
    }
}

impl TracedRequest {
    pub(super) fn new(call: Option<u32>, method: &str, url: &str) -> Self {
        Self {
            call,
            method: method.to_owned(),
            url: url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        }
    }
}

/// What an answer says.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) outcome: Option<core::Outcome>,
    pub(super) grant: Grant,
}

/// Adds the CSRF header: never over one that is there, and only if there is a value that it can hold. A cookie that is not there
/// proves nothing.
pub(super) fn add_csrf(Csrf { header, value, .. }: &Csrf, headers: &Headers) {
    let value = match value {
        CsrfValue::Fixed(value) => Some(value.clone()),
        CsrfValue::Cookie(cookie) => globals::cookie(cookie),
        CsrfValue::Function(value) => value(),
    };
    if let Some(value) = value
        && headers.has(header).is_ok_and(|has| !has)
    {
        let _ = headers.set(header, &value);
    }
}

/// FNV-1a, 32 bits, as the JavaScript edge has it: peers may speak either.
pub(super) fn hash(text: &str) -> u32 {
    text.encode_utf16().fold(0x811c_9dc5, |hash, unit| {
        (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193)
    })
}

fn parse(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

//! What is to go wrong, as it is set by `POST /lab/set`.
//!
//! ```json
//! {
//!   "refresh":  { "latency_ms": 1500 },
//!   "sign_in":  { "fail": 200, "body": { "mfa_required": true }, "times": 1 },
//!   "sign_out": { "fail": "lost", "hold": "request" },
//!   "api":      { "fail": 503, "retry_after": "2" },
//!   "sign_out_needs_access": true
//! }
//! ```

use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Of one session, or of everybody: then it holds where the session has not set that part itself. A part that is given
/// replaces that whole part.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    refresh: Option<Faults>,
    sign_in: Option<Faults>,
    sign_out: Option<Faults>,
    api: Option<Faults>,
    /// Whether a sign-out is answered `401` without a good access token, and ends nothing.
    pub(super) sign_out_needs_access: Option<bool>,
}

/// What a request is, as far as the lab tells them apart. A preflight is none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Refresh,
    SignIn,
    SignOut,
    Upload,
    Api,
    Other,
}

/// Of the refreshes, the sign-ins, the sign-outs or the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Faults {
    /// What is held back until `POST /lab/release`; `held` among the counters tells how many wait for it.
    pub(super) hold: Option<Hold>,
    /// How long the answer is held back. The work is done at once: a client that leaves does not undo it.
    latency_ms: u64,
    pub(super) fail: Option<Fail>,
    /// As it is to be sent with a `fail` of a status.
    #[serde(deserialize_with = "header_value")]
    pub(super) retry_after: Option<HeaderValue>,
    /// The body that is to be sent with a `fail` of a status, in place of `{"error": "lab"}`.
    pub(super) body: Option<Value>,
    /// Only the next so many requests.
    times: Option<u64>,
    /// Redirect there instead of doing anything.
    #[serde(deserialize_with = "header_value")]
    pub(super) redirect: Option<HeaderValue>,
    /// Send this as `expires_in`, whatever it is.
    pub(super) expires_in: Option<Value>,
    /// Send `expires_in` at all.
    pub(super) hint: bool,
}

/// What waits to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hold {
    /// The request: nothing is done until then.
    Request,
    /// The answer: all is done, and nobody told until then.
    Answer,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub(super) enum Fail {
    /// The connection is closed without a byte of answer, and nothing is done.
    Drop,
    /// There is never an answer, and nothing is done.
    Hang,
    /// All is done, then the connection is closed without a byte of answer.
    Lost,
    /// That is the answer, and nothing is done.
    Status(StatusCode),
}

impl Settings {
    /// Takes over the parts that are given.
    pub(super) fn update(&mut self, given: Self) {
        self.refresh = given.refresh.or(self.refresh.take());
        self.sign_in = given.sign_in.or(self.sign_in.take());
        self.sign_out = given.sign_out.or(self.sign_out.take());
        self.api = given.api.or(self.api.take());
        self.sign_out_needs_access = given.sign_out_needs_access.or(self.sign_out_needs_access);
    }

    /// What is set for requests of that kind.
    pub(super) fn of(&mut self, kind: Kind) -> Option<&mut Faults> {
        match kind {
            Kind::Refresh => self.refresh.as_mut(),
            Kind::SignIn => self.sign_in.as_mut(),
            Kind::SignOut => self.sign_out.as_mut(),
            Kind::Upload | Kind::Api => self.api.as_mut(),
            Kind::Other => None,
        }
    }
}

impl Kind {
    pub(super) fn of(method: &Method, path: &str) -> Self {
        match (method, path) {
            (&Method::POST, "/auth/refresh") => Self::Refresh,
            (&Method::POST, "/auth/sign-in" | "/auth/lab/sign-in") => Self::SignIn,
            (&Method::POST, "/auth/sign-out") => Self::SignOut,
            (&Method::POST, "/api/upload") => Self::Upload,
            (method, path) if method != Method::OPTIONS && path.starts_with("/api/") => Self::Api,
            _ => Self::Other,
        }
    }
}

impl Faults {
    pub(super) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// What holds for one more request, which counts.
    pub(super) fn take(&mut self) -> Option<Self> {
        match &mut self.times {
            Some(0) => return None,
            Some(times) => *times -= 1,
            None => {}
        }
        Some(self.clone())
    }

    /// What holds for a sign-in that nothing else is set for: it hints as a refresh does, and is left alone.
    pub(super) fn of_hints(&self) -> Option<Self> {
        (self.times != Some(0)).then(|| Self {
            expires_in: self.expires_in.clone(),
            hint: self.hint,
            ..Self::default()
        })
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            hold: None,
            fail: None,
            retry_after: None,
            body: None,
            times: None,
            redirect: None,
            expires_in: None,
            hint: true,
        }
    }
}

impl TryFrom<Value> for Fail {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
        match (value.as_str(), status) {
            (Some("drop"), _) => Ok(Self::Drop),
            (Some("hang"), _) => Ok(Self::Hang),
            (Some("lost"), _) => Ok(Self::Lost),
            (_, Some(status @ 200..=599)) => StatusCode::from_u16(status)
                .map(Self::Status)
                .map_err(|_| "no such status"),
            _ => Err("fail is \"drop\", \"hang\", \"lost\" or a status from 200 to 599"),
        }
    }
}

fn header_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<HeaderValue>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| HeaderValue::from_str(&text).map_err(serde::de::Error::custom))
        .transpose()
}

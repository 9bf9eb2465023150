//! What is to go wrong, as it is set by `POST /lab/set`.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Of one session. A part that is given replaces that whole part.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) refresh: Option<Faults>,
    pub(super) api: Option<Faults>,
}

/// Of the refreshes, or of the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Faults {
    /// How long the answer is held back. The work is done at once: a client that leaves does not undo it.
    latency_ms: u64,
    pub(super) fail: Option<Fail>,
    /// As it is to be sent with a `fail` of a status.
    #[serde(deserialize_with = "header_value")]
    pub(super) retry_after: Option<HeaderValue>,
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
        self.api = given.api.or(self.api.take());
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

    /// What holds for a sign-in, which hints as a refresh does and is otherwise left alone.
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
            fail: None,
            retry_after: None,
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

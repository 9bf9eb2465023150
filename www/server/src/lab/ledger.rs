//! Counters and a log: what was on the wire, and what the backend did.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use serde::Serialize;

use super::{Book, Lab};
use crate::connections::NoAnswer;
use crate::failure::Failure;

const KEPT: usize = 1000;

/// Of one session, or of the server as a whole.
#[derive(Default)]
pub(super) struct Ledger {
    counters: Counters,
    refreshes_under_way: u64,
    log: VecDeque<Entry>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Counters {
    /// Answered 2xx.
    refreshes: u64,
    /// Arrived.
    refresh_requests: u64,
    refreshes_at_once_max: u64,
    /// Answers by status.
    api: BTreeMap<u16, u64>,
    api_requests: u64,
    reuse_detected: u64,
    idempotent_repeats: u64,
    /// `POST /api/upload` that was carried out.
    uploads: u64,
    /// All that arrived, `/lab` excluded.
    requests: u64,
}

/// One request. Of cookies and headers only the names: a log is no place for secrets.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    n: u64,
    method: String,
    path: String,
    query: Option<String>,
    origin: Option<String>,
    cookies: Vec<String>,
    headers: Vec<String>,
    idempotency_key: bool,
    content_type: Option<String>,
    content_length: Option<u64>,
    /// `null` while there is no answer, which may be for ever.
    status: Option<u16>,
}

/// The outer middleware: what arrives, and what leaves.
pub(super) async fn record(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/lab/") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let exchange = Exchange::begin(lab, &parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.extensions().get::<NoAnswer>().is_none() {
        exchange.answered(response.status());
    }
    response
}

/// The inner middleware: what was done, even where the answer is then held back, lost, or awaited by nobody.
pub(super) async fn tally(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    let session = lab.session(request.headers());
    let kind = Kind::of(request.method(), request.uri().path());
    let response = next.run(request).await;
    let failure = response.extensions().get::<Failure>();
    let reuse_detected = failure.is_some_and(|failure| failure.code() == "reused");
    let repeated = response.headers().contains_key("idempotent-replayed");
    let uploaded = kind == Kind::Upload && response.status().is_success();
    lab.book().each_ledger(session.as_deref(), |ledger| {
        ledger.counters.reuse_detected += u64::from(reuse_detected);
        ledger.counters.idempotent_repeats += u64::from(repeated);
        ledger.counters.uploads += u64::from(uploaded);
    });
    response
}

impl Ledger {
    pub(super) fn counters(&self) -> Counters {
        self.counters.clone()
    }

    pub(super) fn log(&self) -> Vec<Entry> {
        self.log.iter().cloned().collect()
    }

    /// The log stays: its entries are numbered.
    pub(super) fn reset_counters(&mut self) {
        self.counters = Counters::default();
    }

    fn begin(&mut self, kind: Kind, entry: Entry) {
        let counters = &mut self.counters;
        counters.requests += 1;
        match kind {
            Kind::Refresh => {
                counters.refresh_requests += 1;
                self.refreshes_under_way += 1;
                counters.refreshes_at_once_max =
                    counters.refreshes_at_once_max.max(self.refreshes_under_way);
            }
            Kind::Upload | Kind::Api => counters.api_requests += 1,
            Kind::Other => {}
        }
        if self.log.len() == KEPT {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }

    fn answered(&mut self, kind: Kind, n: u64, status: StatusCode) {
        match kind {
            Kind::Refresh => self.counters.refreshes += u64::from(status.is_success()),
            Kind::Upload | Kind::Api => {
                *self.counters.api.entry(status.as_u16()).or_default() += 1;
            }
            Kind::Other => {}
        }
        if let Some(entry) = self.log.iter_mut().rev().find(|entry| entry.n == n) {
            entry.status = Some(status.as_u16());
        }
    }

    fn ended(&mut self, kind: Kind) {
        if kind == Kind::Refresh {
            self.refreshes_under_way -= 1;
        }
    }
}

impl Book {
    /// Of the session, if there is one, and of the whole.
    fn each_ledger(&mut self, session: Option<&str>, mut change: impl FnMut(&mut Ledger)) {
        change(&mut self.whole);
        if let Some(session) = session {
            let session = self.sessions.entry(session.to_owned()).or_default();
            change(&mut session.ledger);
        }
    }
}

/// What a request is, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refresh,
    Upload,
    Api,
    Other,
}

impl Kind {
    /// A preflight is neither a refresh nor a request to the API.
    fn of(method: &Method, path: &str) -> Self {
        match (method, path) {
            (&Method::POST, "/auth/refresh") => Self::Refresh,
            (&Method::POST, "/api/upload") => Self::Upload,
            (method, path) if method != Method::OPTIONS && path.starts_with("/api/") => Self::Api,
            _ => Self::Other,
        }
    }
}

/// A request that is under way, until it is answered or given up.
struct Exchange {
    lab: Arc<Lab>,
    session: Option<String>,
    kind: Kind,
    n: u64,
}

impl Exchange {
    fn begin(lab: Arc<Lab>, request: &Parts) -> Self {
        let session = lab.session(&request.headers);
        let kind = Kind::of(&request.method, request.uri.path());
        let mut book = lab.book();
        book.arrived += 1;
        let n = book.arrived;
        book.each_ledger(session.as_deref(), |ledger| {
            ledger.begin(kind, Entry::of(n, request));
        });
        drop(book);
        Self {
            lab,
            session,
            kind,
            n,
        }
    }

    fn answered(&self, status: StatusCode) {
        self.lab
            .book()
            .each_ledger(self.session.as_deref(), |ledger| {
                ledger.answered(self.kind, self.n, status);
            });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.lab
            .book()
            .each_ledger(self.session.as_deref(), |ledger| ledger.ended(self.kind));
    }
}

impl Entry {
    fn of(n: u64, request: &Parts) -> Self {
        let headers = &request.headers;
        Self {
            n,
            method: request.method.to_string(),
            path: request.uri.path().to_owned(),
            query: request.uri.query().map(str::to_owned),
            origin: text(headers, &ORIGIN),
            cookies: CookieJar::from_headers(headers)
                .iter()
                .map(|cookie| cookie.name().to_owned())
                .collect(),
            headers: headers
                .keys()
                .map(|name| name.as_str().to_owned())
                .collect(),
            idempotency_key: headers.contains_key("idempotency-key"),
            content_type: text(headers, &CONTENT_TYPE),
            content_length: text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            status: None,
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

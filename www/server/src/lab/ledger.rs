//! Counters and a log: what was on the wire, and what the backend did.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, ORIGIN, SET_COOKIE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::cookie::{Cookie, CookieJar};
use serde::Serialize;

use super::settings::Kind;
use super::{Book, Lab};
use crate::auth::Ended;
use crate::connections::NoAnswer;
use crate::failure::Failure;
use crate::session::Session;

const KEPT: usize = 1000;

/// Names the user as whom a request was executed: the one of its access token if that was good, or of the session that
/// the answer begins or renews. Where nobody was recognized, it is not there.
const X_USER: HeaderName = HeaderName::from_static("x-user");

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
    /// Those that wait for `POST /lab/release` at this moment.
    held: u64,
    /// Answers by status.
    api: BTreeMap<u16, u64>,
    api_requests: u64,
    reuse_detected: u64,
    idempotent_repeats: u64,
    /// Those that began a session.
    sign_ins: u64,
    /// Arrived.
    sign_in_requests: u64,
    /// Those that ended something.
    sign_outs: u64,
    /// Arrived.
    sign_out_requests: u64,
    /// Requests to the API that were carried out, by the user as whom.
    api_users: BTreeMap<String, u64>,
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
    /// As whom it was executed, even where the answer was then lost.
    user: Option<String>,
    /// `null` while there is no answer, which may be for ever.
    status: Option<u16>,
}

/// The outer middleware: what arrives, and what leaves.
pub(super) async fn record(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/lab/") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let exchange = Exchange::begin(lab, &parts);
    parts.extensions.insert(Number(exchange.n));
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
    let number = request.extensions().get::<Number>().copied();
    let recognized = recognized(&lab, request.headers(), kind);
    let mut response = next.run(request).await;
    let failure = response.extensions().get::<Failure>();
    let reuse_detected = failure.is_some_and(|failure| failure.code() == "reused");
    let repeated = response.headers().contains_key("idempotent-replayed");
    let uploaded = kind == Kind::Upload && response.status().is_success();
    let ended = response.extensions().get::<Ended>();
    let ended = ended.is_some_and(|ended| ended.0);
    let begun = user_of_cookies(&lab, response.headers());
    let signed_in = kind == Kind::SignIn && begun.is_some();
    // A token that was good a moment ago may have been refused all the same.
    let is_refused = failure.is_some() && response.status() == StatusCode::UNAUTHORIZED;
    let user = begun.or(recognized.filter(|_| !is_refused));
    lab.book().each_ledger(session.as_deref(), |ledger| {
        let counters = &mut ledger.counters;
        counters.reuse_detected += u64::from(reuse_detected);
        counters.idempotent_repeats += u64::from(repeated);
        counters.uploads += u64::from(uploaded);
        counters.sign_ins += u64::from(signed_in);
        counters.sign_outs += u64::from(ended);
        if let (Some(user), Kind::Upload | Kind::Api) = (&user, kind) {
            *counters.api_users.entry(user.clone()).or_default() += 1;
        }
        if let Some(Number(n)) = number
            && let Some(entry) = ledger.entry(n)
        {
            entry.user.clone_from(&user);
        }
    });
    if let Some(Ok(user)) = user.as_deref().map(HeaderValue::from_str) {
        let headers = response.headers_mut();
        headers.insert(X_USER, user);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, X_USER.into());
    }
    response
}

/// Whom a request comes from. A sign-out needs no token that is good; who refreshes or signs in is told by the answer.
fn recognized(lab: &Lab, headers: &HeaderMap, kind: Kind) -> Option<String> {
    let claims = match kind {
        Kind::Refresh | Kind::SignIn => None,
        Kind::SignOut => lab.claims(headers),
        Kind::Upload | Kind::Api | Kind::Other => {
            let session = Session::of(headers, &lab.backend).ok();
            session.map(|Session(claims)| claims)
        }
    };
    claims.map(|claims| claims.sub)
}

/// Whose session the cookies of an answer are.
fn user_of_cookies(lab: &Lab, headers: &HeaderMap) -> Option<String> {
    let jar = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|cookie| Cookie::parse(cookie.to_str().ok()?.to_owned()).ok())
        .fold(CookieJar::new(), CookieJar::add);
    let claims = lab
        .backend
        .access
        .open(lab.backend.cookies.access_token(&jar)?);
    claims.ok().map(|claims| claims.sub)
}

/// Of a request, in its extensions.
#[derive(Clone, Copy)]
struct Number(u64);

impl Ledger {
    pub(super) fn counters(&self) -> Counters {
        self.counters.clone()
    }

    pub(super) fn log(&self) -> Vec<Entry> {
        self.log.iter().cloned().collect()
    }

    /// The log stays: its entries are numbered.
    pub(super) fn reset_counters(&mut self) {
        self.counters = Counters {
            held: self.counters.held,
            ..Counters::default()
        };
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
            Kind::SignIn => counters.sign_in_requests += 1,
            Kind::SignOut => counters.sign_out_requests += 1,
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
            Kind::SignIn | Kind::SignOut | Kind::Other => {}
        }
        if let Some(entry) = self.entry(n) {
            entry.status = Some(status.as_u16());
        }
    }

    fn entry(&mut self, n: u64) -> Option<&mut Entry> {
        self.log.iter_mut().rev().find(|entry| entry.n == n)
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

impl Lab {
    /// Waits until everything that is held is released.
    pub(super) async fn hold(&self, session: Option<&str>) {
        let released = self.release.notified();
        tokio::pin!(released);
        // From here on it is heard, which is before anybody can see that it is held.
        released.as_mut().enable();
        let _held = Held::begin(self, session);
        released.await;
    }
}

/// A request that is held, until it is released or given up.
struct Held<'a> {
    lab: &'a Lab,
    session: Option<&'a str>,
}

impl<'a> Held<'a> {
    fn begin(lab: &'a Lab, session: Option<&'a str>) -> Self {
        lab.book()
            .each_ledger(session, |ledger| ledger.counters.held += 1);
        Self { lab, session }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.lab
            .book()
            .each_ledger(self.session, |ledger| ledger.counters.held -= 1);
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
            user: None,
            status: None,
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

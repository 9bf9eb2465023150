//! What requests meet on their way to the server and back, and the truth about them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keepfresh_demo_server::NoAnswer;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::plan::{Fault, Forecast};

/// Milliseconds since 1970, by the clock that pages read too.
pub(crate) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1000.0
}

/// Milliseconds that a browser may take to use the cookies that it was sent, and a page to hear that it was.
const TAKEN_IN: f64 = 100.0;

#[derive(Clone)]
pub(crate) struct Weather(Arc<Inner>);

struct Inner {
    sky: Mutex<Sky>,
    /// How many rounds have ended: hung requests wait for the next one to.
    ended: watch::Sender<u64>,
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct Sky {
    forecast: Forecast,
    arrived: Arrived,
    /// Access tokens issued up to then count as expired.
    expired_up_to: f64,
    /// Requests that bring tokens and are under way.
    issuing: usize,
    /// When the latest tokens were sent.
    issued_at: f64,
    truth: Truth,
}

#[derive(Default)]
struct Arrived {
    refresh: usize,
    get: usize,
    post: usize,
    sign_out: usize,
}

/// What happened on the server in a round.
#[derive(Clone, Default)]
pub(crate) struct Truth {
    pub(crate) requests: u64,
    pub(crate) refreshes: u64,
    /// Refreshes that the server refused, and why.
    pub(crate) refused: Vec<String>,
    pub(crate) faults: HashMap<&'static str, u64>,
    /// When each attempt of a call was at the server: from its arrival to its answer.
    pub(crate) attempts: HashMap<u64, Vec<(f64, f64)>>,
    /// How often a call's note was created.
    pub(crate) created: HashMap<u64, u32>,
    /// What arrived and what left, and when.
    pub(crate) log: Vec<(f64, String)>,
    /// Sign-ins and sign-outs that the server carried out.
    pub(crate) sessions: Vec<Change>,
    /// When somebody in between refused a refresh, as a server does that ends the session.
    pub(crate) refused_in_between: Vec<f64>,
}

#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) at: f64,
    pub(crate) signed_in: bool,
}

impl Weather {
    pub(crate) fn around(app: Router) -> (Self, Router) {
        let weather = Self(Arc::new(Inner {
            sky: Mutex::default(),
            ended: watch::Sender::default(),
            under_way: watch::Sender::default(),
        }));
        let app = app.layer(from_fn_with_state(weather.clone(), pass));
        (weather, app)
    }

    /// A new round.
    pub(crate) fn begin(&self, forecast: Forecast) {
        let mut sky = self.sky();
        sky.forecast = forecast;
        sky.arrived = Arrived::default();
        sky.truth = Truth::default();
    }

    /// Access tokens issued up to now have expired. But not while a call is under way that was made before the latest
    /// of them was there, or while one is on its way: a call would meet a second 401 after its replay, and that is for
    /// its caller to see.
    ///
    /// `oldest`: when the oldest call that is under way was made.
    pub(crate) fn expire(&self, oldest: f64) -> bool {
        let mut sky = self.sky();
        // The next call is as old as this moment.
        let can = sky.issuing == 0 && oldest.min(now()) >= sky.issued_at + TAKEN_IN;
        if can {
            // Tokens are stamped with whole milliseconds, and one of this very millisecond may be newer than now.
            sky.expired_up_to = now().floor() - 1.0;
            sky.truth
                .log
                .push((now(), "access tokens expire".to_owned()));
        }
        can
    }

    /// Nothing goes wrong any more, and what hangs is dropped.
    pub(crate) fn clear_up(&self) {
        self.sky().forecast = Forecast::default();
        self.0.ended.send_modify(|ended| *ended += 1);
    }

    /// Waits until nothing is under way.
    pub(crate) async fn calm(&self) {
        let mut under_way = self.0.under_way.subscribe();
        // The sender is in `self`.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }

    pub(crate) fn truth(&self) -> Truth {
        self.sky().truth.clone()
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.0.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(State(weather): State<Weather>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !path.starts_with("/api/") && !path.starts_with("/auth/") {
        return next.run(request).await;
    }
    let call = request.uri().query().and_then(|query| {
        let id = query.split('&').find_map(|pair| pair.strip_prefix("call="));
        id?.parse().ok()
    });
    let fault = weather.sky().fault(request.method(), &path);
    let what = format!("{} {}", request.method(), request.uri());
    let age = issued_at(request.headers()).map(|issued_at| now() - issued_at);
    let issues = matches!(
        path.as_str(),
        "/auth/refresh" | "/auth/sign-in" | "/auth/lab/sign-in"
    ) && !matches!(fault, Fault::Drop | Fault::Hang | Fault::Status(_));
    let mut visit = Visit::begin(&weather, call, what, issues);
    visit.note(&format!(
        "arrives, meets {fault:?}, its token is {:.0} ms old",
        age.unwrap_or(f64::NAN)
    ));
    let response = meet(&weather, fault, request, next).await;
    visit.end = match response.extensions().get::<NoAnswer>() {
        Some(_) => "is dropped".to_owned(),
        None => format!("is answered {}", response.status().as_u16()),
    };
    drop(visit);
    response
}

async fn meet(weather: &Weather, fault: Fault, request: Request, next: Next) -> Response {
    match fault {
        Fault::Delay(late) => {
            sleep(Duration::from_millis(late)).await;
            carry_out(weather, request, next).await
        }
        Fault::Latency(late) => {
            let response = carry_out(weather, request, next).await;
            sleep(Duration::from_millis(late)).await;
            response
        }
        Fault::Drop => dropped(),
        Fault::Lost => {
            carry_out(weather, request, next).await;
            dropped()
        }
        Fault::Hang => {
            let mut ended = weather.0.ended.subscribe();
            ended.mark_unchanged();
            let _ = ended.changed().await;
            dropped()
        }
        Fault::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let mut response = status.into_response();
            if status == StatusCode::TOO_MANY_REQUESTS {
                response.headers_mut().insert(RETRY_AFTER, 1.into());
            }
            response
        }
    }
}

fn dropped() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(NoAnswer);
    response
}

/// The backend at work, and a note of what it did.
async fn carry_out(weather: &Weather, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default();
    let call = query
        .strip_prefix("call=")
        .and_then(|call| call.parse().ok());
    if path.starts_with("/api/") && weather.sky().has_expired(request.headers()) {
        let error = Json(json!({ "error": "access_token_expired" }));
        return (StatusCode::UNAUTHORIZED, error).into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    match (method, path.as_str()) {
        (Method::POST, "/auth/refresh") => refreshed(weather, response).await,
        (Method::POST, "/auth/sign-in" | "/auth/lab/sign-in") if !status.is_client_error() => {
            weather.sky().truth.session(true);
            response
        }
        (Method::POST, "/auth/sign-out") if status.is_success() => {
            weather.sky().truth.session(false);
            response
        }
        (Method::POST, _) if status == StatusCode::CREATED => {
            if let Some(call) = call {
                *weather.sky().truth.created.entry(call).or_default() += 1;
            }
            response
        }
        _ => response,
    }
}

async fn refreshed(weather: &Weather, response: Response) -> Response {
    if response.status().is_success() {
        weather.sky().truth.refreshes += 1;
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1024).await.unwrap_or_default();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let why = answer["error"].as_str().unwrap_or("refused").to_owned();
    weather.sky().truth.refused.push(why);
    Response::from_parts(parts, Body::from(body))
}

impl Sky {
    fn fault(&mut self, method: &Method, path: &str) -> Fault {
        let (faults, nth) = match (method, path) {
            (_, "/auth/refresh") => (&self.forecast.refresh, &mut self.arrived.refresh),
            (_, "/auth/sign-out") => (&self.forecast.sign_out, &mut self.arrived.sign_out),
            (_, path) if path.starts_with("/auth/") => return Fault::Delay(0),
            (&Method::GET, _) => (&self.forecast.get, &mut self.arrived.get),
            _ => (&self.forecast.post, &mut self.arrived.post),
        };
        let fault = faults.get(*nth).copied().unwrap_or(Fault::Delay(0));
        *nth += 1;
        self.truth.requests += 1;
        let name = match fault {
            Fault::Delay(0) | Fault::Latency(0) => return fault,
            Fault::Delay(_) | Fault::Latency(_) => "late",
            Fault::Drop => "dropped",
            Fault::Lost => "answer lost",
            Fault::Hang => "hung",
            Fault::Status(403) => {
                if path == "/auth/refresh" {
                    self.truth.refused_in_between.push(now());
                }
                "403"
            }
            Fault::Status(429) => "429",
            Fault::Status(404) => "404",
            Fault::Status(_) => "5xx",
        };
        *self.truth.faults.entry(name).or_default() += 1;
        fault
    }

    /// By the time that the access token was issued at, which anybody can read in it.
    fn has_expired(&self, headers: &HeaderMap) -> bool {
        issued_at(headers).is_some_and(|issued_at| issued_at <= self.expired_up_to)
    }
}

fn issued_at(headers: &HeaderMap) -> Option<f64> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let token = cookies
        .split("; ")
        .find_map(|cookie| cookie.strip_prefix("kf_access="))?;
    let claims = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1)?)
        .ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Some(claims["iat"].as_f64()? * 1000.0)
}

impl Truth {
    fn session(&mut self, signed_in: bool) {
        let at = now();
        self.sessions.push(Change { at, signed_in });
    }
}

/// A request that is at the server.
struct Visit<'a> {
    weather: &'a Weather,
    call: Option<u64>,
    what: String,
    since: f64,
    end: String,
    /// Whether it may bring tokens.
    issues: bool,
}

impl<'a> Visit<'a> {
    fn begin(weather: &'a Weather, call: Option<u64>, what: String, issues: bool) -> Self {
        weather.sky().issuing += usize::from(issues);
        weather.0.under_way.send_modify(|count| *count += 1);
        Self {
            weather,
            call,
            what,
            since: now(),
            end: "is given up by the browser".to_owned(),
            issues,
        }
    }

    fn note(&self, what: &str) {
        let line = format!("server: {} {what}", self.what);
        self.weather.sky().truth.log.push((now(), line));
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.note(&self.end);
        let mut sky = self.weather.sky();
        if self.issues {
            sky.issuing -= 1;
            sky.issued_at = now();
        }
        if let Some(call) = self.call {
            let attempts = sky.truth.attempts.entry(call).or_default();
            attempts.push((self.since, now()));
        }
        drop(sky);
        self.weather.0.under_way.send_modify(|count| *count -= 1);
    }
}

//! What the page talks to: an API whose access token expires when the bench says so.
//!
//! A server of its own, because it has to be so quick that a wrapper's cost can be seen beside it, to speak the
//! protocol of supertokens-website too, and to isolate the page, whose clock is coarse otherwise.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::figures::Figures;

/// What came of it.
pub(crate) enum Outcome {
    Measured(Figures),
    /// The page's own words.
    Failed(String),
}

pub(crate) struct Server {
    origin: String,
    outcomes: mpsc::Receiver<Outcome>,
}

impl Server {
    /// Serves the bundled page, and the API, on a free port.
    pub(crate) async fn start(page: &Path) -> Result<Self> {
        ensure!(
            page.join("page/main.js").exists(),
            "there is no page in {}: run cargo xtask bench",
            page.display()
        );
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let (tell, outcomes) = mpsc::channel(1);
        // Otherwise an answer in two pieces waits 40 ms for the browser to acknowledge the first.
        let listener = listener.tap_io(|connection| {
            // It cannot fail on a connection that is open; on one that has broken, nothing is lost.
            let _ = connection.set_nodelay(true);
        });
        let app = routes(page, Arc::new(Backend::new(tell)));
        tokio::spawn(async { axum::serve(listener, app).await });
        Ok(Self { origin, outcomes })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) async fn outcome(&mut self) -> Result<Outcome> {
        self.outcomes.recv().await.context("the server has stopped")
    }
}

struct Backend {
    session: Mutex<Session>,
    tell: mpsc::Sender<Outcome>,
}

/// The one session. Tokens are numbers: to check them costs nothing, and nobody else is there to guess them.
#[derive(Default)]
struct Session {
    /// The latest access token.
    access: u64,
    /// The oldest access token that is still good.
    good_from: u64,
    /// The one refresh token that has not been consumed.
    refresh: u64,
    counts: Counts,
}

/// Since the access token was last made to expire.
#[derive(Default)]
struct Counts {
    /// Refreshes that were answered 2xx.
    refreshed: u32,
    /// Everything that arrived, refreshes included.
    requests: u32,
    /// Requests to the API that were answered 2xx.
    answered: u32,
}

fn routes(page: &Path, backend: Arc<Backend>) -> Router {
    let header = |name, value| {
        SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Router::new()
        .route("/api/small", get(small))
        .route("/api/open", get(async || record()))
        .route("/api/upload", post(upload))
        .route("/auth/sign-in", post(sign_in))
        .route("/auth/refresh", post(refresh))
        .route("/auth/session/refresh", post(refresh))
        .route("/bench/expire", post(expire))
        .route("/bench/counts", post(counts))
        .route("/bench/progress", post(progress))
        .route("/bench/figures", post(figures))
        .route("/bench/failed", post(failed))
        .layer(DefaultBodyLimit::disable())
        .with_state(backend)
        .fallback_service(ServeDir::new(page))
        .layer(SetResponseHeaderLayer::overriding(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        // An isolated page has a clock of 5 microseconds, in place of 100.
        .layer(header("cross-origin-opener-policy", "same-origin"))
        .layer(header("cross-origin-embedder-policy", "require-corp"))
        .layer(header("cross-origin-resource-policy", "cross-origin"))
}

async fn small(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Response {
    backend
        .guard(&headers)
        .map_or_else(record, IntoResponse::into_response)
}

async fn upload(State(backend): State<Arc<Backend>>, headers: HeaderMap, body: Bytes) -> Response {
    match backend.guard(&headers) {
        Some(refusal) => refusal.into_response(),
        None => Json(json!({ "bytes": body.len() })).into_response(),
    }
}

async fn sign_in(State(backend): State<Arc<Backend>>) -> Response {
    let mut session = backend.session();
    session.issue()
}

async fn refresh(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Response {
    let mut session = backend.session();
    session.counts.requests += 1;
    if cookie(&headers, "refresh") != Some(session.refresh) {
        return refusal().into_response();
    }
    session.counts.refreshed += 1;
    session.issue()
}

async fn expire(State(backend): State<Arc<Backend>>) {
    let mut session = backend.session();
    session.good_from = session.access + 1;
    session.counts = Counts::default();
}

async fn counts(State(backend): State<Arc<Backend>>) -> Json<Value> {
    let counts = &backend.session().counts;
    Json(json!({
        "refreshed": counts.refreshed,
        "requests": counts.requests,
        "answered": counts.answered,
    }))
}

async fn progress(what: String) {
    eprintln!("{what} …");
}

async fn figures(State(backend): State<Arc<Backend>>, figures: String) {
    let outcome = match serde_json::from_str(&figures) {
        Ok(figures) => Outcome::Measured(Figures::new(figures)),
        Err(error) => Outcome::Failed(format!("no figures: {error}")),
    };
    // An error is a bench that has given up waiting.
    let _ = backend.tell.send(outcome).await;
}

async fn failed(State(backend): State<Arc<Backend>>, why: String) {
    let _ = backend.tell.send(Outcome::Failed(why)).await;
}

impl Backend {
    fn new(tell: mpsc::Sender<Outcome>) -> Self {
        Self {
            session: Mutex::default(),
            tell,
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusal of a request whose access token has expired.
    fn guard(&self, headers: &HeaderMap) -> Option<impl IntoResponse + use<>> {
        let mut session = self.session();
        session.counts.requests += 1;
        let is_good = cookie(headers, "access").is_some_and(|token| session.good_from <= token);
        session.counts.answered += u32::from(is_good);
        (!is_good).then(refusal)
    }
}

impl Session {
    /// New cookies, and what supertokens-website wants to be told of them.
    fn issue(&mut self) -> Response {
        self.access += 1;
        self.refresh += 1;
        let far_away = 4_000_000_000_000_u64;
        let told = json!({ "uid": "ada", "ate": far_away, "up": {} }).to_string();
        (
            AppendHeaders([
                (
                    SET_COOKIE,
                    format!("access={}; HttpOnly; Path=/; SameSite=Lax", self.access),
                ),
                (
                    SET_COOKIE,
                    format!(
                        "refresh={}; HttpOnly; Path=/auth; SameSite=Strict",
                        self.refresh
                    ),
                ),
                (
                    HeaderName::from_static("front-token"),
                    BASE64_STANDARD.encode(told),
                ),
            ]),
            Json(json!({})),
        )
            .into_response()
    }
}

fn record() -> Response {
    const RECORD: &str =
        r#"{"id":17,"name":"Ada Lovelace","email":"ada@example.com","roles":["reader","author"]}"#;
    ([(CONTENT_TYPE, "application/json")], RECORD).into_response()
}

fn refusal() -> impl IntoResponse {
    (
        StatusCode::UNAUTHORIZED,
        Json(json!({ "error": "access_token_expired" })),
    )
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<u64> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

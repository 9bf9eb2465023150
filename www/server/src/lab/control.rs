//! The endpoints under `/lab`: setting what is to go wrong, and reading what happened.
//!
//! | endpoint | what it does |
//! | --- | --- |
//! | `POST /lab/set` | takes over what is to go wrong, see [`Settings`] |
//! | `POST /lab/release` | lets go of all that is held |
//! | `POST /lab/expire-access` | has the session's access tokens expired |
//! | `POST /lab/revoke-refresh` | ends the session |
//! | `GET /lab/counters`, `POST /lab/counters/reset`, `GET /lab/log` | say what happened, see [`Counters`] and [`Entry`] |
//! | `GET /lab/blank` | is a page to run scripts in, with the policy of `?csp=` |
//! | `GET /lab/sign-in` | is a page with a form to sign in by |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::Lab;
use super::ledger::{Counters, Entry, Ledger};
use super::settings::Settings;
use crate::access::seconds;
use crate::clock::now_ms;
use crate::failure::Failure;

pub(super) fn routes() -> Router<Arc<Lab>> {
    Router::new()
        .route("/lab/set", post(set))
        .route("/lab/release", post(release))
        .route("/lab/expire-access", post(expire_access))
        .route("/lab/revoke-refresh", post(revoke_refresh))
        .route("/lab/counters", get(counters))
        .route("/lab/counters/reset", post(reset_counters))
        .route("/lab/log", get(log))
        .route("/lab/blank", get(blank))
        .route("/lab/sign-in", get(sign_in))
}

/// The session of the access cookie, be it expired.
///
/// Without one the answer is `409`: a `401` would be taken for an expired token, and start a refresh.
struct LabSessionId(String);

impl FromRequestParts<Arc<Lab>> for LabSessionId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, lab: &Arc<Lab>) -> Result<Self, Failure> {
        lab.session(&parts.headers)
            .map(Self)
            .ok_or(Failure::new(StatusCode::CONFLICT, "no_session"))
    }
}

/// Whose settings or ledger are meant: with `?all=1` the server's, otherwise the session's.
struct Scope(Option<String>);

impl FromRequestParts<Arc<Lab>> for Scope {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, lab: &Arc<Lab>) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(default)]
            all: u8,
        }
        let Query(asked) =
            Query::<Asked>::try_from_uri(&parts.uri).map_err(|_| Failure::BAD_REQUEST)?;
        if asked.all == 1 {
            return Ok(Self(None));
        }
        let LabSessionId(session) = LabSessionId::from_request_parts(parts, lab).await?;
        Ok(Self(Some(session)))
    }
}

async fn set(
    State(lab): State<Arc<Lab>>,
    Scope(session): Scope,
    given: Result<Json<Settings>, JsonRejection>,
) -> Response {
    match given {
        Ok(Json(given)) => {
            let mut book = lab.book();
            let settings = match session {
                Some(session) => &mut book.sessions.entry(session).or_default().settings,
                None => &mut book.everybody,
            };
            settings.update(given);
            StatusCode::NO_CONTENT.into_response()
        }
        // Who writes a test is helped by the reason.
        Err(rejection) => {
            let reason = json!({ "error": "bad_request", "reason": rejection.body_text() });
            (StatusCode::BAD_REQUEST, Json(reason)).into_response()
        }
    }
}

async fn release(State(lab): State<Arc<Lab>>) -> StatusCode {
    lab.release.notify_waiters();
    StatusCode::NO_CONTENT
}

async fn expire_access(
    State(lab): State<Arc<Lab>>,
    LabSessionId(session): LabSessionId,
) -> StatusCode {
    let now_ms = now_ms();
    lab.book()
        .sessions
        .entry(session)
        .or_default()
        .expired_up_to = Some(seconds(now_ms));
    // A token issued after this answer must be newer than those that are expired, by the clock that stamps them.
    while crate::clock::now_ms() <= now_ms {
        sleep(Duration::from_millis(1)).await;
    }
    StatusCode::NO_CONTENT
}

async fn revoke_refresh(
    State(lab): State<Arc<Lab>>,
    LabSessionId(session): LabSessionId,
) -> Result<StatusCode, Failure> {
    lab.backend.families.revoke(&session, now_ms())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn counters(State(lab): State<Arc<Lab>>, scope: Scope) -> Json<Counters> {
    Json(with_ledger(&lab, scope, |ledger| ledger.counters()))
}

async fn reset_counters(State(lab): State<Arc<Lab>>, scope: Scope) -> StatusCode {
    with_ledger(&lab, scope, Ledger::reset_counters);
    StatusCode::NO_CONTENT
}

async fn log(State(lab): State<Arc<Lab>>, scope: Scope) -> Json<Vec<Entry>> {
    Json(with_ledger(&lab, scope, |ledger| ledger.log()))
}

fn with_ledger<T>(lab: &Lab, Scope(session): Scope, work: impl FnOnce(&mut Ledger) -> T) -> T {
    let mut book = lab.book();
    match session {
        Some(session) => work(&mut book.sessions.entry(session).or_default().ledger),
        None => work(&mut book.whole),
    }
}

/// A sign-in page without the client: its form is posted as a browser posts forms.
async fn sign_in() -> Html<&'static str> {
    Html(concat!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>sign in</title>",
        "<form method=\"post\" action=\"/auth/lab/sign-in\">",
        "<input name=\"login\" aria-label=\"Name\">",
        "<input name=\"password\" type=\"password\" aria-label=\"Password\">",
        "<button>Sign in</button></form>",
    ))
}

#[derive(Deserialize)]
struct BlankPage {
    csp: Option<String>,
}

/// A page to run scripts in, of this origin and with no script of its own.
async fn blank(Query(page): Query<BlankPage>) -> Result<Response, Failure> {
    let html =
        Html("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>blank</title>");
    let Some(policy) = page.csp else {
        return Ok(html.into_response());
    };
    let policy = HeaderValue::from_str(&policy).map_err(|_| Failure::BAD_REQUEST)?;
    Ok(([(CONTENT_SECURITY_POLICY, policy)], html).into_response())
}

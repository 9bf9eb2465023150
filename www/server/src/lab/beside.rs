//! What happens to a session without its client: somebody signs in by a form, or a server that renders a page rotates the
//! tokens. Under `/auth/lab`, because browsers send the refresh cookie nowhere else.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use axum::{Extension, Router};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use crate::auth::{begin_session, fresh_cookies, rotate};
use crate::backend::Backend;
use crate::failure::Failure;

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/auth/lab/sign-in", post(sign_in))
        .route("/auth/lab/page", any(page))
}

#[derive(Deserialize)]
struct SignIn {
    login: String,
    password: String,
    /// Where a success leads.
    #[serde(default = "blank")]
    to: String,
    /// Where a failure leads.
    #[serde(default = "again")]
    failed: String,
}

fn blank() -> String {
    "/lab/blank".to_owned()
}

fn again() -> String {
    "/lab/sign-in".to_owned()
}

/// By a form and a redirect. The failure is a redirect, too, and ends at a page that is a 200.
async fn sign_in(
    State(backend): State<Arc<Backend>>,
    form: Result<Form<SignIn>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(form) = form.map_err(|_| Failure::BAD_REQUEST)?;
    Ok(
        match begin_session(&backend, &form.login, form.password, None).await {
            Ok((_, cookies)) => (cookies, Redirect::to(&form.to)).into_response(),
            Err(failure) => (Extension(failure), Redirect::to(&form.failed)).into_response(),
        },
    )
}

/// A page whose server renews the session while it renders: a refresh of the client that still has the old token is then
/// too late. A stranger gets the page as well, and no cookies.
async fn page(
    State(backend): State<Arc<Backend>>,
    jar: CookieJar,
) -> Result<(CookieJar, Html<String>), Failure> {
    let renewed = match backend.cookies.refresh_token(&jar) {
        Some(presented) => rotate(&backend, presented, None).await.map(Some),
        None => Ok(None),
    };
    let (cookies, user) = match renewed {
        Ok(Some(issued)) => (fresh_cookies(&backend, &issued)?, issued.user),
        Ok(None) | Err(_) => (CookieJar::new(), "nobody".to_owned()),
    };
    let html =
        format!("<!doctype html><html lang=\"en\"><title>page</title><p id=\"user\">{user}</p>");
    Ok((cookies, Html(html)))
}

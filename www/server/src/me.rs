//! Who is signed in, and for how long without a refresh.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::access::seconds;
use crate::backend::Backend;
use crate::clock::now_ms;
use crate::failure::Failure;
use crate::session::Session;

pub(crate) fn routes() -> Router<Arc<Backend>> {
    Router::new().route("/api/me", get(me))
}

async fn me(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
) -> Result<Json<Value>, Failure> {
    let expires = claims.exp;
    // A user who was deleted has a good token for a while yet, but is nobody.
    let user = backend
        .with_database(move |it| Ok(it.users.by_id(&claims.sub)?))
        .await?
        .ok_or(Failure::unauthorized("access_token_invalid"))?;
    let left = (expires - seconds(now_ms())).max(0.0);
    Ok(Json(json!({ "user": user, "access_expires_in": left })))
}

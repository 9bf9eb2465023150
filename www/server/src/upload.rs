//! An upload that is answered with what came: its length and SHA-256, and those of its parts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use multer::Multipart;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::session::Session;

/// Kept in memory while it is looked at. A server that keeps uploads would stream them to a file.
const LARGEST: usize = 64 * 1024 * 1024;
/// What the uploads of one user may take of it together.
const LARGEST_SHARE: usize = 2 * LARGEST;
/// How long one may take in all.
const LONGEST: Duration = Duration::from_secs(120);
const MOST_PARTS: usize = 1_000;

/// How much memory the uploads of each user take at the moment.
#[derive(Default)]
pub(crate) struct Uploads {
    shares: Arc<Mutex<HashMap<String, usize>>>,
}

/// A part of a user's share, for as long as it is there.
struct Share {
    shares: Arc<Mutex<HashMap<String, usize>>>,
    user: String,
    size: usize,
}

impl Uploads {
    fn take(&self, user: &str, size: usize) -> Option<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = shares.get(user).copied().unwrap_or_default();
        if taken + size > LARGEST_SHARE {
            return None;
        }
        shares.insert(user.to_owned(), taken + size);
        Some(Share {
            shares: self.shares.clone(),
            user: user.to_owned(),
            size,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let left = shares.get(&self.user).map_or(0, |taken| taken - self.size);
        if left == 0 {
            shares.remove(&self.user);
        } else {
            shares.insert(self.user.clone(), left);
        }
    }
}

pub(crate) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/api/upload", post(upload).put(upload))
        .layer(DefaultBodyLimit::max(LARGEST))
}

#[derive(Serialize)]
struct Upload {
    length: usize,
    sha256: String,
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<Part>>,
}

#[derive(Serialize)]
struct Part {
    name: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    length: usize,
    sha256: String,
}

/// The session comes first among the arguments: not a byte is read for a stranger.
async fn upload(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    request: Request,
) -> Result<Json<Upload>, Failure> {
    let headers = request.headers().clone();
    let told = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let size = told.unwrap_or(LARGEST);
    if size > LARGEST {
        return Err(Failure::TOO_LARGE);
    }
    let share = backend.uploads.take(&claims.sub, size);
    let share = share.ok_or(Failure::too_many(1))?;
    let body = timeout(LONGEST, Bytes::from_request(request, &()))
        .await
        .map_err(|_| Failure::new(StatusCode::REQUEST_TIMEOUT, "too_slow"))?
        .map_err(unreadable)?;
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let boundary = content_type
        .as_deref()
        .and_then(|content_type| multer::parse_boundary(content_type).ok());
    // To look at so many bytes takes a while: not on the threads that answer others.
    let runtime = Handle::current();
    let looked_at = spawn_blocking(move || {
        let _share = share;
        let parts = match boundary {
            Some(boundary) => Some(runtime.block_on(parts(body.clone(), boundary))?),
            None => None,
        };
        Ok(Json(Upload {
            length: body.len(),
            sha256: hex(&body),
            content_type,
            parts,
        }))
    });
    looked_at.await.map_err(Failure::internal)?
}

async fn parts(body: Bytes, boundary: String) -> Result<Vec<Part>, Failure> {
    let mut multipart = Multipart::new(Body::from(body).into_data_stream(), boundary);
    let mut parts = Vec::new();
    let unreadable = |_| Failure::BAD_REQUEST;
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        if parts.len() == MOST_PARTS {
            return Err(Failure::TOO_LARGE);
        }
        let name = field.name().map(str::to_owned);
        let filename = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        let bytes = field.bytes().await.map_err(unreadable)?;
        parts.push(Part {
            name,
            filename,
            content_type,
            length: bytes.len(),
            sha256: hex(&bytes),
        });
    }
    Ok(parts)
}

fn unreadable(rejection: BytesRejection) -> Failure {
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::TOO_LARGE,
        _ => Failure::BAD_REQUEST,
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

//! An upload that is answered with what came: its length and SHA-256, and those of its parts.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use multer::Multipart;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::backend::Backend;
use crate::failure::Failure;
use crate::session::Session;

/// Kept in memory while it is looked at. A server that keeps uploads would stream them to a file.
const LARGEST: usize = 64 * 1024 * 1024;

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
    Session(_): Session,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Upload>, Failure> {
    let body = body.map_err(unreadable)?;
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let boundary = content_type
        .as_deref()
        .and_then(|content_type| multer::parse_boundary(content_type).ok());
    let parts = match boundary {
        Some(boundary) => Some(
            parts(body.clone(), boundary)
                .await
                .map_err(|_| Failure::BAD_REQUEST)?,
        ),
        None => None,
    };
    Ok(Json(Upload {
        length: body.len(),
        sha256: hex(&body),
        content_type,
        parts,
    }))
}

async fn parts(body: Bytes, boundary: String) -> multer::Result<Vec<Part>> {
    let mut multipart = Multipart::new(Body::from(body).into_data_stream(), boundary);
    let mut parts = Vec::new();
    while let Some(field) = multipart.next_field().await? {
        let name = field.name().map(str::to_owned);
        let filename = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        let bytes = field.bytes().await?;
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
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        _ => Failure::BAD_REQUEST,
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

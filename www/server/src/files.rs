//! The demo page and the npm package, as files.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeDir;

use crate::failure::Failure;

/// What pages are made of. The folder of the demo page holds the source of this server too, and perhaps its
/// database, with the signing key in it: what is not on this list is not there.
const SERVED: [&str; 14] = [
    "html", "css", "js", "mjs", "json", "map", "wasm", "svg", "png", "jpg", "webp", "ico", "txt",
    "woff2",
];

/// Scripts and WebAssembly of our own and nothing else; `wasm-unsafe-eval` is what compiling WebAssembly takes.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// With the lab, whose tests put pages into frames of other sites.
const FRAMED_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                             img-src 'self' data: blob:";

/// `framed`: pages of other sites may put ours into frames.
pub(crate) fn routes(folder: &Path, framed: bool) -> Router {
    let not_found = async || Failure::NOT_FOUND;
    let policy = HeaderValue::from_static(if framed { FRAMED_POLICY } else { POLICY });
    Router::new()
        .fallback_service(ServeDir::new(folder).fallback(not_found.into_service()))
        .layer(from_fn(move |request, next| {
            serve(request, next, policy.clone())
        }))
}

async fn serve(request: Request, next: Next, policy: HeaderValue) -> Response {
    if !is_served(request.uri().path()) {
        return Failure::NOT_FOUND.into_response();
    }
    let mut response = next.run(request).await;
    let is_html = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    // Kept, but asked for again each time: a rebuilt engine must not meet the glue of the last one.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_html {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Folders (their `index.html`), and names that end as listed.
fn is_served(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.is_empty()
        || name
            .rsplit_once('.')
            .is_some_and(|(stem, extension)| !stem.is_empty() && SERVED.contains(&extension))
}

//! How the parts are put together: which request meets what, and in which order.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::backend::Backend;
use crate::config::Config;
use crate::failure::Failure;
use crate::{auth, files, lab, me, notes, origin, unread, upload};

/// The whole application. A layer sees what the lines above it have added, and the last one added is the outermost.
pub(crate) fn router(config: &Config, backend: &Arc<Backend>) -> Router {
    let lab = config.lab.then(|| Arc::new(lab::Lab::new(backend.clone())));
    let not_found = async || Failure::NOT_FOUND;

    let mut app = Router::new()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(notes::routes())
        .merge(upload::routes())
        .route("/auth/{*path}", any(not_found))
        .route("/api/{*path}", any(not_found))
        .method_not_allowed_fallback(async || Failure::METHOD_NOT_ALLOWED)
        .with_state(backend.clone());
    if let Some(lab) = &lab {
        app = lab::disturb(app, lab);
    }
    app = app.layer(RequestBodyTimeoutLayer::new(config.patience));
    app = app.layer(from_fn_with_state(backend.clone(), origin::refuse_foreign));
    if !config.allow_origin.is_empty() {
        app = app.layer(cors(backend));
    }
    if let Some(lab) = &lab {
        app = lab::add_answers(app, lab);
    }
    // Answers about a session are nobody else's; what may be kept says so itself.
    app = app.layer(SetResponseHeaderLayer::if_not_present(
        CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    ));
    if let Some(folder) = &config.pkg {
        app = app.nest_service("/keepfresh", files::routes(folder, config.lab));
    }
    app = match &config.www {
        Some(folder) => app.fallback_service(files::routes(folder, config.lab)),
        None => app.fallback(not_found),
    };
    if let Some(lab) = &lab {
        app = lab::watch(app, lab);
    }
    app.layer(SetResponseHeaderLayer::overriding(
        X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ))
    .layer(SetResponseHeaderLayer::if_not_present(
        REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ))
    .layer(from_fn(unread::read_the_rest))
}

/// For pages of the named origins, with cookies. Headers are mirrored: with cookies, `*` would be taken literally.
fn cors(backend: &Backend) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(backend.allowed_origins()))
        .allow_credentials(true)
        .allow_methods(AllowMethods::list([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
        ]))
        .allow_headers(AllowHeaders::mirror_request())
}

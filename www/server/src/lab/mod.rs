//! The lab: a layer around the backend that makes things go wrong on demand, and writes down what happened.
//!
//! Nothing of it belongs in a real server, and the backend knows nothing of it. What is set is set for the session of
//! the request's access cookie, so that tests can run side by side, or with `?all=1` for everybody, those without a
//! session included; what is written down is kept for the session and for the server as a whole. Answers say in a header
//! `x-user` as whom the request was executed.
//!
//! - [`mod@settings`]: what is to go wrong
//! - [`mod@faults`]: the middleware that makes it so
//! - [`mod@ledger`]: counters and a log, and the middleware that keeps them
//! - [`mod@control`]: the endpoints under `/lab`
//! - [`mod@answers`]: endpoints under `/api/lab` whose answer is chosen by the request
//! - [`mod@beside`]: what happens to a session without its client, under `/auth/lab`

mod answers;
mod beside;
mod control;
mod faults;
mod ledger;
mod settings;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum_extra::extract::cookie::CookieJar;
use tokio::sync::Notify;

use crate::access::Claims;
use crate::backend::Backend;
use ledger::Ledger;
use settings::Settings;

/// Puts the layer that disturbs around the backend's routes, and adds the endpoints that are guarded as they are.
pub(crate) fn disturb(app: Router, lab: &Arc<Lab>) -> Router {
    app.merge(answers::guarded().with_state(lab.backend.clone()))
        .merge(beside::routes().with_state(lab.backend.clone()))
        .layer(from_fn_with_state(lab.clone(), ledger::tally))
        .layer(from_fn_with_state(lab.clone(), faults::disturb))
        .merge(control::routes().with_state(lab.clone()))
}

/// Adds the endpoints that anybody may call, from any origin.
pub(crate) fn add_answers(app: Router, lab: &Arc<Lab>) -> Router {
    app.merge(
        answers::open()
            .layer(from_fn_with_state(lab.clone(), ledger::tally))
            .layer(from_fn_with_state(lab.clone(), faults::disturb)),
    )
}

/// Puts the layer that writes down around everything.
pub(crate) fn watch(app: Router, lab: &Arc<Lab>) -> Router {
    app.layer(from_fn_with_state(lab.clone(), ledger::record))
}

/// What the lab knows.
pub(crate) struct Lab {
    backend: Arc<Backend>,
    book: Mutex<Book>,
    release: Notify,
}

/// Sessions are never forgotten: a lab lives for an afternoon.
#[derive(Default)]
struct Book {
    sessions: HashMap<String, LabSession>,
    everybody: Settings,
    whole: Ledger,
    arrived: u64,
}

#[derive(Default)]
struct LabSession {
    settings: Settings,
    ledger: Ledger,
    /// Access tokens issued up to then (a NumericDate) are to count as expired.
    expired_up_to: Option<f64>,
}

impl Lab {
    pub(crate) fn new(backend: Arc<Backend>) -> Self {
        Self {
            backend,
            book: Mutex::default(),
            release: Notify::new(),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose request it is, by its access cookie, which may have expired.
    fn claims(&self, headers: &HeaderMap) -> Option<Claims> {
        let jar = CookieJar::from_headers(headers);
        self.backend
            .access
            .open(self.backend.cookies.access_token(&jar)?)
            .ok()
    }

    fn session(&self, headers: &HeaderMap) -> Option<String> {
        self.claims(headers).map(|claims| claims.sid)
    }
}

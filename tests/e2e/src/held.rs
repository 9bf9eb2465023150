//! Refreshes that are done, and whose answers are on their way for as long as a test likes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::sync::watch;

/// Holds back the answers of refreshes, which the server has carried out by then.
#[derive(Clone)]
pub struct Held(Arc<watch::Sender<Now>>);

#[derive(Default)]
struct Now {
    holding: bool,
    held: usize,
}

impl Held {
    pub(crate) fn around(app: Router) -> (Self, Router) {
        let held = Self(Arc::new(watch::Sender::default()));
        let app = app.layer(from_fn_with_state(held.clone(), hold));
        (held, app)
    }

    /// From now on, answers are held.
    pub fn hold(&self) {
        self.0.send_modify(|now| now.holding = true);
    }

    /// Waits until so many answers are being held.
    pub async fn reached(&self, count: usize) {
        // The sender is in `self`.
        let _ = self.0.subscribe().wait_for(|now| now.held >= count).await;
    }

    /// Lets go of those that are held, and holds no more.
    pub fn release(&self) {
        self.0.send_modify(|now| now.holding = false);
    }
}

async fn hold(State(held): State<Held>, request: Request, next: Next) -> Response {
    let is_refresh = request.uri().path() == "/auth/refresh";
    let response = next.run(request).await;
    if is_refresh && held.0.borrow().holding {
        // Dropped with the connection, should nobody wait for the answer any more.
        let _place = Place::of(&held);
        let _ = held.0.subscribe().wait_for(|now| !now.holding).await;
    }
    response
}

struct Place<'a>(&'a Held);

impl<'a> Place<'a> {
    fn of(held: &'a Held) -> Self {
        held.0.send_modify(|now| now.held += 1);
        Self(held)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|now| now.held -= 1);
    }
}

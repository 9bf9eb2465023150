//! Where there is no browser: everything is there, and nothing is done.

use std::{sync::Arc, time::Duration};

use futures_channel::mpsc::unbounded;
use gloo_net::http::{Request, Response};

use super::{ClientBuilder, Error, Events, State, request::Parts};

/// Of one client; equal to its clones alone.
#[derive(Clone)]
pub(super) struct Handle(Arc<()>);

impl Handle {
    pub(super) fn new(_: ClientBuilder) -> Result<Self, Error> {
        Ok(Self(Arc::new(())))
    }

    pub(super) async fn send(&self, _: Request, _: bool) -> Result<Response, Error> {
        Err(Error::NeedsBrowser)
    }

    pub(super) async fn send_parts(&self, _: Parts) -> Result<Response, Error> {
        Err(Error::NeedsBrowser)
    }

    pub(super) async fn ensure_fresh(&self, _: Option<Duration>) -> Result<(), Error> {
        Err(Error::NeedsBrowser)
    }

    pub(super) async fn refresh(&self) -> Result<(), Error> {
        Err(Error::NeedsBrowser)
    }

    pub(super) fn state(&self) -> State {
        State::Unknown
    }

    pub(super) fn events(&self) -> Events {
        // At its end at once, so that nobody on a server waits for it.
        Events(unbounded().1)
    }

    pub(super) fn dispose(&self) {}
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Handle {}

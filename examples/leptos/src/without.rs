//! The app without keepfresh, to be measured against: the same names, and gloo-net under them.

use futures_util::stream::{Empty, empty};
use gloo_net::Error;
use gloo_net::http::{Request, Response};
use serde::Serialize;

#[derive(Clone)]
pub(crate) struct Client;

/// Nothing happens here, so there is only what the app looks for.
#[derive(PartialEq)]
pub(crate) enum EventKind {
    Expired,
}

pub(crate) struct Event {
    pub(crate) kind: EventKind,
}

pub(crate) struct RequestBuilder(gloo_net::http::RequestBuilder);

impl Client {
    pub(crate) fn builder(_: &str) -> Self {
        Self
    }

    pub(crate) fn sign_in(self, _: &str) -> Self {
        self
    }

    pub(crate) fn sign_out(self, _: &str) -> Self {
        self
    }

    pub(crate) fn build(self) -> Result<Self, Error> {
        Ok(self)
    }

    pub(crate) fn events(&self) -> Empty<Event> {
        empty()
    }

    pub(crate) fn get(&self, url: &str) -> RequestBuilder {
        RequestBuilder(Request::get(url))
    }

    pub(crate) fn post(&self, url: &str) -> RequestBuilder {
        RequestBuilder(Request::post(url))
    }

    pub(crate) fn delete(&self, url: String) -> RequestBuilder {
        RequestBuilder(Request::delete(&url))
    }
}

impl RequestBuilder {
    pub(crate) fn json<T: Serialize>(self, value: &T) -> Ready {
        Ready(self.0.json(value))
    }

    pub(crate) async fn send(self) -> Result<Response, Error> {
        self.0.send().await
    }
}

pub(crate) struct Ready(Result<Request, Error>);

impl Ready {
    pub(crate) async fn send(self) -> Result<Response, Error> {
        self.0?.send().await
    }
}

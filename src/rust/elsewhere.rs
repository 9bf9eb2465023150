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

    pub(super) fn signed_in(&self) {}

    pub(super) fn signed_out(&self) {}

    pub(super) fn state(&self) -> State {
        State::Unknown
    }

    pub(super) fn events(&self) -> Events {
        // At its end at once, so that nobody on a server waits for it.
        Events(unbounded().1)
    }

    pub(super) fn install(&self) {}

    pub(super) fn uninstall(&self) {}

    pub(super) fn dispose(&self) {}
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Handle {}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use crate::{Client, Error, State};

    #[test]
    fn without_a_browser_every_call_says_that_it_needs_one() {
        let client = Client::builder("/auth/refresh").guard(["/api"]).build();
        let Ok(client) = client else {
            unreachable!("nothing is checked without a browser");
        };
        let sent = client.post("/api/notes").json(&["milk"]).send();
        assert!(matches!(
            sent.now_or_never(),
            Some(Err(Error::NeedsBrowser))
        ));
        let refreshed = client.refresh().now_or_never();
        assert!(matches!(refreshed, Some(Err(Error::NeedsBrowser))));
        let fresh = client.ensure_fresh(None).now_or_never();
        assert!(matches!(fresh, Some(Err(Error::NeedsBrowser))));
        assert_eq!(client.state(), State::Unknown);
        // Nobody on a server waits for what cannot happen.
        assert_eq!(client.events().next().now_or_never(), Some(None));
    }

    #[test]
    fn r27_what_is_written_for_debugging_holds_no_header_and_no_body() {
        let options = Client::builder("/auth/refresh")
            .refresh_header("x-key", "secret")
            .csrf_header("x-csrf", "secret");
        let written = format!("{options:?}");
        assert!(!written.contains("secret"), "{written}");
        let Ok(client) = options.build() else {
            unreachable!("nothing is checked without a browser");
        };
        let request = client.put("/api/me").header("x-key", "secret");
        let written = format!(
            "{:?} {:?}",
            request.body("secret"),
            crate::Body::from("secret")
        );
        assert!(!written.contains("secret"), "{written}");
        assert!(written.contains("/api/me"), "{written}");
    }

    #[test]
    fn a_server_can_share_clients_and_errors_between_threads() {
        fn is_shared<T: Send + Sync + 'static>() {}
        is_shared::<Client>();
        is_shared::<Error>();
    }
}

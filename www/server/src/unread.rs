//! Reading what a refused request still sends.
//!
//! A handler may answer without having read the body: `401` to an upload, above all. HTTP/1.1 has no way to say "stop
//! sending", so hyper then closes the connection; the reset that follows can overtake the answer, and the browser sees
//! a network failure in place of the `401` that it could have recovered from. So the rest is read, within bounds,
//! before the answer is sent. HTTP/2 can reset one stream, and needs none of this.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Version;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio::time::timeout;

const LARGEST: usize = 64 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(5);

/// The middleware.
pub(crate) async fn read_the_rest(request: Request, next: Next) -> Response {
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (give_back, mut given_back) = oneshot::channel();
    let lend = |body| {
        Body::new(Lent {
            body,
            give_back: Some(give_back),
        })
    };
    let response = next.run(request.map(lend)).await;
    if let Ok(rest) = given_back.try_recv() {
        // Too slow or too long: then the connection is closed after all.
        let _ = timeout(LONGEST, discard(rest)).await;
    }
    response
}

async fn discard(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > LARGEST {
            return;
        }
    }
}

/// A body that goes back to its owner when the borrower drops it unread.
struct Lent {
    body: Body,
    give_back: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take()
            && !self.body.is_end_stream()
        {
            let body = std::mem::take(&mut self.body);
            // Nobody waits for it when the request itself has been given up.
            let _ = give_back.send(body);
        }
    }
}

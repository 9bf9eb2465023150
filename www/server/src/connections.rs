//! Connections: accepting them, answering on them, and closing them in the end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a stop waits for requests that are under way.
const GRACE: Duration = Duration::from_secs(3);

/// How many connections there may be at once. Who comes when there are so many waits until one ends.
const MOST: usize = 2_000;

/// The address that a request came from, in its extensions.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Put into a response, it says: send nothing, and close the connection (in HTTP/2, reset the stream).
///
/// Only the lab and tests do so; but only who owns the connection can.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no answer, on purpose")]
pub struct NoAnswer;

/// Serves until `stop` is ready and the connections have ended or been cut.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
    patience: Duration,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(MOST));
    // Dropped with this future, it aborts what is left.
    let mut connections = JoinSet::new();
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let app = app.clone().layer(Extension(Peer(peer)));
        let connection = connection(stream, tls.clone(), app, patience, graceful.watcher());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = timeout(GRACE, graceful.shutdown()).await;
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, IpAddr, Option<OwnedSemaphorePermit>) {
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip(), place),
            // Of that one connection, or too many open files: then it helps to wait for some to be closed.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    app: Router,
    patience: Duration,
    watcher: Watcher,
) {
    // Answers are written whole; holding back the last packet would only delay them.
    let _ = stream.set_nodelay(true);
    match tls {
        None => answer(stream, app, patience, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(patience, tls.accept(stream)).await {
                answer(stream, app, patience, watcher).await;
            }
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    patience: Duration,
    watcher: Watcher,
) {
    let begun = Arc::new(Notify::new());
    let first = begun.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        first.notify_one();
        async move {
            let answered: Result<Response, Infallible> = app.oneshot(request.map(Body::new)).await;
            let Ok(response) = answered;
            match response.extensions().get::<NoAnswer>() {
                Some(no_answer) => Err(*no_answer),
                None => Ok(response),
            }
        }
    });
    let mut http = auto::Builder::new(TokioExecutor::new());
    // With a timer, hyper gives up on a client that never ends its headers, and on one that is not there any more.
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience)
        .max_concurrent_streams(250);
    let connection = http
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let connection = watcher.watch(connection);
    tokio::pin!(connection);
    // Before the first head hyper itself waits for ever: for a byte, or for what makes it HTTP/2.
    tokio::select! {
        _ = &mut connection => return,
        first = timeout(patience, begun.notified()) => if first.is_err() { return },
    }
    // An error is a client that went away or spoke no HTTP, or `NoAnswer`: no news to anybody.
    let _ = connection.await;
}

//! Connections: accepting them, answering on them, and closing them in the end.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a stop waits for requests that are under way.
const GRACE: Duration = Duration::from_secs(3);

/// How long a client may take over its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

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
    stop: impl Future<Output = ()>,
) {
    // Dropped with this future, it aborts what is left.
    let mut connections = JoinSet::new();
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let stream = tokio::select! {
            stream = accept(&listener) => stream,
            () = &mut stop => break,
        };
        connections.spawn(connection(
            stream,
            tls.clone(),
            app.clone(),
            graceful.watcher(),
        ));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = timeout(GRACE, graceful.shutdown()).await;
    connections.shutdown().await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Of that one connection, or too many open files: then it helps to wait for some to be closed.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, app: Router, watcher: Watcher) {
    // Answers are written whole; holding back the last packet would only delay them.
    let _ = stream.set_nodelay(true);
    match tls {
        None => answer(stream, app, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
                answer(stream, app, watcher).await;
            }
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    watcher: Watcher,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
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
    // With a timer, hyper gives up on a client that never ends its headers.
    http.http1().timer(TokioTimer::new());
    http.http2().timer(TokioTimer::new());
    let connection = http
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    // An error is a client that went away or spoke no HTTP, or `NoAnswer`: no news to anybody.
    let _ = watcher.watch(connection).await;
}

//! The server: bound first, so that its address is known, then run.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::backend::{Backend, PrepareError};
use crate::config::Config;
use crate::database::{Database, OpenError};
use crate::{app, connections, tls};

/// A server that listens, and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Router,
    patience: Duration,
    /// What is done beside.
    sweeping: BoxFuture<'static, ()>,
}

/// Why a server did not start, as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program listens there.
    #[error(
        "Port {} of {} is taken by another program: choose one with --port, or any free one with --port 0.",
        .0.port(), .0.ip()
    )]
    PortTaken(SocketAddr),
    /// The address is none of this machine's, say, or the port is a privileged one.
    #[error("Cannot listen on {address}: {cause}.")]
    Address {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The file cannot be made or read, or is not a database of this server.
    #[error("Cannot open the database {}: {cause}.", .path.display())]
    Database {
        /// The file, or `:memory:`.
        path: PathBuf,
        /// What the system or SQLite said.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A folder that was to be served is not there.
    #[error("There is no folder {}.", .0.display())]
    NoFolder(PathBuf),
    /// The lab is for the tester alone.
    #[error(
        "--lab lets anybody break things: it is served on a loopback address only, and {0} is none."
    )]
    LabExposed(IpAddr),
    /// No certificate could be made.
    #[error("Cannot make a certificate for {address}: {cause}.")]
    Certificate {
        /// Whom the certificate was for.
        address: SocketAddr,
        /// What went wrong.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Server {
    /// Opens the database and the port.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        if let Some(folder) = [&config.www, &config.pkg]
            .into_iter()
            .flatten()
            .find(|folder| !folder.is_dir())
        {
            return Err(StartError::NoFolder(folder.clone()));
        }
        if config.lab && !config.host.is_loopback() {
            return Err(StartError::LabExposed(config.host));
        }
        let wanted = SocketAddr::new(config.host, config.port);
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|cause| cannot_listen(wanted, cause))?;
        let address = listener
            .local_addr()
            .map_err(|cause| cannot_listen(wanted, cause))?;
        let backend = Arc::new(open_backend(&config).await?);
        let tls = if config.tls {
            let acceptor = tls::self_signed(address.ip())
                .map_err(|cause| StartError::Certificate { address, cause })?;
            Some(acceptor)
        } else {
            None
        };
        let app = app::router(&config, &backend);
        Ok(Self {
            listener,
            address,
            tls,
            app,
            patience: config.patience,
            sweeping: backend.sweep(config.sweep_every).boxed(),
        })
    }

    /// Where it listens; the port is the one it got when any free one was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What its pages have as `location.origin`: `http://127.0.0.1:8080`.
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Puts more around the application: what a test does to requests on their way in, and to answers on their way out.
    #[must_use]
    pub fn wrapped(mut self, wrap: impl FnOnce(Router) -> Router) -> Self {
        self.app = wrap(self.app);
        self
    }

    /// Serves until `stop` is ready, then lets requests that are under way end, for a few seconds at the most.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let serving = connections::serve(self.listener, self.tls, self.app, self.patience, stop);
        tokio::select! {
            () = serving => {}
            () = self.sweeping => {}
        }
    }

    /// Serves in the background.
    pub fn spawn(self) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        Running {
            address: self.address,
            origin: self.origin(),
            stop: Some(stop),
            task: tokio::spawn(self.run(async {
                // An error is the sender that has gone, which says the same.
                let _ = stopped.await;
            })),
        }
    }
}

/// A server in the background. Dropped, it stops at once and cuts its connections.
pub struct Running {
    address: SocketAddr,
    origin: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// See [`Server::addr`].
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// See [`Server::origin`].
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Stops as a signal would: requests under way may end, for a few seconds at the most.
    pub async fn stop(mut self) {
        self.stop.take();
        // An error is a panic in the accept loop, after which nothing is left to stop.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn open_backend(config: &Config) -> Result<Backend, StartError> {
    let path = if config.memory {
        PathBuf::from(":memory:")
    } else {
        config.db.clone()
    };
    let opened = if config.memory {
        Database::in_memory()
    } else {
        Database::open(&config.db)
    };
    let prepared = match opened {
        Ok(database) => Backend::prepare(config, database)
            .await
            .map_err(PrepareError::into),
        Err(OpenError::File(error)) => Err(error.into()),
        Err(OpenError::Database(error)) => Err(error.into()),
    };
    prepared.map_err(|cause| StartError::Database { path, cause })
}

fn cannot_listen(address: SocketAddr, cause: io::Error) -> StartError {
    if cause.kind() == io::ErrorKind::AddrInUse {
        StartError::PortTaken(address)
    } else {
        StartError::Address { address, cause }
    }
}

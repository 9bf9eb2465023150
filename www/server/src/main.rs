//! `keepfresh-demo-server`: reads its flags, serves, and stops when it is told to.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use keepfresh_demo_server::{Config, Server};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // Standard output has one line, which scripts wait for; all else goes to standard error.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let config = Config::parse();
    let server = match Server::bind(config).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // Whoever started us may have stopped reading; that is no reason not to serve.
    let _ = writeln!(std::io::stdout(), "keepfresh demo: {}/", server.origin());
    server.run(told_to_stop()).await;
    ExitCode::SUCCESS
}

#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupted().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        () = interrupted() => {}
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    interrupted().await;
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // No such signal can come, so it is never the reason to stop.
        std::future::pending::<()>().await;
    }
}

//! How the server starts, does not start, and stops.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use keepfresh_demo_server::{Config, Server};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::browser::Browser;
use crate::lab::until;
use crate::{config, start};

/// Far more than a stop may take, so that a test that hangs says where.
const AGES: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_taken_port_is_named_in_a_sentence() {
    let server = start(config()).await;
    let second = Server::bind(Config {
        port: server.addr().port(),
        ..config()
    })
    .await;
    let sentence = second.err().unwrap().to_string();
    let start = format!("Port {} of 127.0.0.1 is taken", server.addr().port());
    assert!(
        sentence.starts_with(&start) && sentence.contains("--port"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no/such/folder.sqlite");
    let other = folder.path().join("other.sqlite");
    fs::write(
        &other,
        "This is no database, though it is long enough to be mistaken for one.\n".repeat(99),
    )
    .unwrap();
    for path in [nowhere, other, folder.path().to_owned()] {
        let server = Server::bind(Config {
            db: path.clone(),
            memory: false,
            ..config()
        })
        .await;
        let sentence = server.err().unwrap().to_string();
        let start = format!("Cannot open the database {}: ", path.display());
        assert!(
            sentence.starts_with(&start) && sentence.ends_with('.'),
            "{sentence}"
        );
        assert_eq!(sentence.lines().count(), 1);
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named_in_a_sentence() {
    let server = Server::bind(Config {
        www: Some("no/such/folder".into()),
        ..config()
    })
    .await;
    assert_eq!(
        server.err().unwrap().to_string(),
        "There is no folder no/such/folder."
    );
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_database() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("demo.sqlite");
    let server = start(Config {
        db: db.clone(),
        memory: false,
        ..config()
    })
    .await;
    Browser::signed_in(&server).await;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_stop_ends_with_hanging_requests() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser.set_lab(json!({ "api": { "fail": "hang" } })).await;
    let mut tab = browser.clone();
    let hanging = tokio::spawn(async move {
        let request = tab.request(reqwest::Method::GET, "/api/me");
        tab.send(request).await
    });
    until(&mut browser, |counters| counters["api_requests"] == 1).await;
    timeout(AGES, server.stop()).await.unwrap();
    assert!(timeout(AGES, hanging).await.unwrap().unwrap().is_err());
}

#[tokio::test]
async fn a_stop_lets_a_request_under_way_end() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    browser
        .set_lab(json!({ "api": { "latency_ms": 300 } }))
        .await;
    let mut tab = browser.clone();
    let slow = tokio::spawn(async move { tab.get("/api/me").await });
    until(&mut browser, |counters| counters["api_requests"] == 1).await;
    server.stop().await;
    assert_eq!(slow.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_server_that_is_dropped_stops() {
    let server = start(config()).await;
    let address = server.addr();
    assert!(TcpStream::connect(address).await.is_ok());
    drop(server);
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(AGES, refused).await.unwrap();
}

#[cfg(unix)]
#[test]
fn the_program_says_where_it_is_in_one_line_and_stops_when_told() {
    for signal in ["-INT", "-TERM"] {
        let mut program = program(&["--port", "0", "--memory"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(program.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("keepfresh demo: http://")
            .and_then(|rest| rest.strip_suffix("/\n"))
            .unwrap_or_else(|| panic!("{line}"));
        assert!(std::net::TcpStream::connect(address).is_ok());

        let told = Command::new("kill")
            .args([signal, &program.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        assert!(program.wait().unwrap().success(), "{signal}");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn the_program_does_not_start_with_one_line_and_a_status() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flags in [
        ["--memory", "--port", &port],
        ["--port=0", "--db", "no/such/folder/demo.sqlite"],
    ] {
        let output = program(&flags).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn an_origin_that_no_browser_would_send_is_refused_as_a_flag() {
    let output = program(&["--allow-origin", "https://app.example.com/"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("an origin is a scheme and a host"), "{said}");
}

fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepfresh-demo-server"));
    command.args(flags);
    command
}

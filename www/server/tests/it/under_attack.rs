//! What others do to the server, or to the machine that it runs on, harms nobody who has done nothing.

use std::io;
use std::time::Duration;

use futures_util::future::join_all;
use keepfresh_demo_server::{Config, Origin, Server, StartError};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::Browser;
use crate::{config, start};

/// D1. Another process has the database's lock: who needs none of it is answered, the rest is told when to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_harms_nobody_who_needs_none_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("demo.sqlite");
    let server = start(Config {
        memory: false,
        db: db.clone(),
        ..config()
    })
    .await;
    let browser = Browser::signed_in(&server).await;
    let other = rusqlite::Connection::open(&db).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refreshes = join_all((0..12).map(|_| {
        let mut browser = browser.clone();
        async move { browser.refresh().await }
    }));
    // Answered while all of those wait, or they would not be: the lock is held until this is over.
    let beside = async {
        let mut browser = Browser::new(&server);
        for path in ["/nothing", "/api/nothing", "/auth/nothing"] {
            assert_eq!(browser.get(path).await.status, 404);
        }
    };
    let (refreshes, ()) = tokio::join!(refreshes, beside);
    for answer in refreshes {
        assert_eq!((answer.status, answer.error().as_str()), (503, "busy"));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(browser.clone().refresh().await.status, 200);
}

/// D2. A form of hundreds of thousands of parts is refused.
#[tokio::test]
async fn a_form_of_very_many_parts_is_refused() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let part = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\r\n";
    for (count, status) in [(1_000, 200), (1_001, 413), (400_000, 413)] {
        let request = browser
            .request(Method::POST, "/api/upload")
            .header("content-type", "multipart/form-data; boundary=x")
            .body(part.repeat(count) + "--x--\r\n");
        let answer = browser.send(request).await.unwrap();
        assert_eq!(answer.status, status, "{count}");
    }
}

/// D3. Uploads that stop short take a part of their user's share, for as long as the server's patience lasts.
#[tokio::test]
async fn uploads_that_stop_short_take_a_users_own_share_and_are_cut_off() {
    let server = start(Config {
        patience: Duration::from_millis(300),
        ..config()
    })
    .await;
    let mut browser = Browser::signed_in(&server).await;
    let head = format!(
        "POST /api/upload HTTP/1.1\r\nhost: {}\r\ncookie: kf_access={}\r\ncontent-length: 67108864\r\n\r\nx",
        server.addr(),
        browser.cookies["kf_access"]
    );
    let mut sockets = Vec::new();
    for _ in 0..12 {
        let mut socket = TcpStream::connect(server.addr()).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    let mut statuses = Vec::new();
    for socket in &mut sockets {
        statuses.push(answer(socket).await);
    }
    statuses.sort_unstable();
    let refused = statuses.iter().filter(|status| *status == "429").count();
    assert_eq!(refused, 10, "{statuses:?}");
    // The share is given back.
    let request = browser.request(Method::POST, "/api/upload").body("x");
    assert_eq!(browser.send(request).await.unwrap().status, 200);
}

/// The status that a socket is answered with, before it is closed.
async fn answer(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _ = socket.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text)
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

/// D4. Who says nothing, or stops in the middle of it, is cut off.
#[tokio::test]
async fn sockets_that_say_nothing_or_stop_in_the_middle_are_closed() {
    let server = start(Config {
        patience: Duration::from_millis(300),
        ..config()
    })
    .await;
    let browser = Browser::signed_in(&server).await;
    let cookie = &browser.cookies["kf_access"];
    let body = format!(
        "POST /api/notes HTTP/1.1\r\nhost: x\r\ncookie: kf_access={cookie}\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{{"
    );
    for begun in [
        "",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        &body,
    ] {
        let mut socket = TcpStream::connect(server.addr()).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        match socket.read_to_end(&mut rest).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{begun}"),
        }
    }
}

/// D5. Of many wrong passwords at once a few are looked at; the rest is told when to come back, and an honest sign-in is none
/// of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_are_limited_and_an_honest_sign_in_waits_for_none_of_them() {
    let server = start(config()).await;
    let answers = join_all((0..150).map(|_| {
        let mut browser = Browser::new(&server);
        async move { browser.sign_in("ada", "wrong").await }
    }));
    let honest = async {
        let mut browser = Browser::new(&server);
        browser.sign_in("grace", "battery staple").await.status
    };
    let (answers, honest) = tokio::join!(answers, honest);
    assert_eq!(honest, 200);
    let with = |status| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!((with(401).count(), with(429).count()), (10, 140));
    for answer in with(429) {
        let seconds: u32 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=61).contains(&seconds), "{seconds}");
    }
}

/// D6. Behind a proxy that ends TLS, the origin is the one that was told, and cookies are `Secure`.
#[tokio::test]
async fn behind_a_proxy_the_origin_is_the_one_that_was_told() {
    let own: Origin = "https://app.example".parse().unwrap();
    let server = start(Config {
        public_origin: Some(own),
        ..config()
    })
    .await;
    for (origin, status) in [
        ("https://app.example", 200),
        ("http://app.example", 403),
        (server.origin(), 403),
    ] {
        let mut browser = Browser::new(&server);
        let request = browser
            .request(Method::POST, "/auth/sign-in")
            .header("origin", origin)
            .json(&json!({ "login": "ada", "password": "correct horse" }));
        let answer = browser.send(request).await.unwrap();
        assert_eq!(answer.status, status, "{origin}");
        if status == 200 {
            for name in ["__Host-kf_access", "__Secure-kf_refresh"] {
                let cookie = answer.set_cookie(name);
                assert!(cookie.split("; ").any(|part| part == "Secure"), "{cookie}");
            }
        }
    }
}

/// D8. Notes have a limit, each and all together.
#[tokio::test]
async fn notes_have_a_limit_each_and_all_together() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let mut post = async |length: usize| {
        let request = browser
            .request(Method::POST, "/api/notes")
            .json(&json!({ "text": "x".repeat(length) }));
        browser.send(request).await.unwrap().status
    };
    assert_eq!(post(64 * 1024 + 1).await, 413);
    assert_eq!(post(1_900_000).await, 413);
    for _ in 0..128 {
        assert_eq!(post(64 * 1024).await, 201);
    }
    assert_eq!(post(1).await, 403);
}

/// D9. What a scanner would want.
#[tokio::test]
async fn answers_have_the_headers_that_a_scanner_would_want() {
    let www = tempfile::tempdir().unwrap();
    std::fs::write(www.path().join("index.html"), "<!doctype html>").unwrap();
    let server = start(Config {
        lab: false,
        www: Some(www.path().to_owned()),
        ..config()
    })
    .await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for directive in [
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    for path in ["/", "/api/me", "/nothing"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
    }
    let refused = browser.get("/api/me").await;
    let scheme = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(!scheme.to_lowercase().contains("basic"), "{scheme}");
    assert_eq!(refused.headers["cache-control"], "no-store");
    assert!(
        browser
            .refresh()
            .await
            .headers
            .contains_key("www-authenticate")
    );
}

/// D10. A database that others can read is made private: the signing key is in it.
#[cfg(unix)]
#[tokio::test]
async fn a_database_that_others_can_read_is_made_private() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("demo.sqlite");
    let config = || Config {
        memory: false,
        db: db.clone(),
        ..config()
    };
    let mode = |path: &std::path::Path| metadata(path).unwrap().permissions().mode() & 0o777;
    start(config()).await.stop().await;
    assert_eq!(mode(&db), 0o600);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        set_permissions(file.unwrap().path(), Permissions::from_mode(0o644)).unwrap();
    }
    let server = start(config()).await;
    Browser::signed_in(&server).await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// D11. The lab is served on a loopback address alone.
#[tokio::test]
async fn the_lab_is_refused_on_any_address_but_loopback() {
    for host in ["0.0.0.0", "::", "192.0.2.1"] {
        let refused = Server::bind(Config {
            host: host.parse().unwrap(),
            ..config()
        })
        .await;
        assert!(
            matches!(refused.err(), Some(StartError::LabExposed(_))),
            "{host}"
        );
    }
}

/// D8. What has expired is deleted while the server runs.
#[tokio::test]
async fn what_has_expired_is_deleted_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("demo.sqlite");
    let server = start(Config {
        memory: false,
        db: db.clone(),
        refresh_ttl: Duration::from_millis(1),
        sweep_every: Duration::from_millis(5),
        ..config()
    })
    .await;
    Browser::signed_in(&server).await;
    let connection = rusqlite::Connection::open(&db).unwrap();
    loop {
        let left: i64 = connection
            .query_row("SELECT count(*) FROM families", [], |row| row.get(0))
            .unwrap();
        if left == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
}

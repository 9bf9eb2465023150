//! The API: notes, uploads, and what is not there.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::browser::{Answer, Browser};
use crate::{config, start};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_note_is_written_read_changed_and_deleted() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    assert_eq!(browser.get("/api/notes").await.json(), json!([]));

    let created = send_json(
        &mut browser,
        Method::POST,
        "/api/notes",
        &json!({ "text": "Ä" }),
    )
    .await;
    assert_eq!(created.status, 201);
    let note = created.json();
    assert_eq!(note["text"], "Ä");
    assert!(note["created_at"].as_str().unwrap().ends_with('Z'));
    let path = format!("/api/notes/{}", note["id"]);
    assert_eq!(browser.get(&path).await.json(), note);

    let changed = send_json(&mut browser, Method::PUT, &path, &json!({ "text": "new" })).await;
    assert_eq!(
        (changed.status, changed.json()["text"].as_str()),
        (200, Some("new"))
    );
    assert_eq!(
        browser.get("/api/notes").await.json(),
        json!([changed.json()])
    );

    let delete = browser.request(Method::DELETE, &path);
    assert_eq!(browser.send(delete).await.unwrap().status, 204);
    let gone = browser.get(&path).await;
    assert_eq!((gone.status, gone.error().as_str()), (404, "not_found"));
}

#[tokio::test]
async fn what_is_no_note_is_a_bad_request_and_what_is_no_id_is_not_found() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let answer = send_json(
        &mut browser,
        Method::POST,
        "/api/notes",
        &json!({ "txt": 1 }),
    )
    .await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (400, "bad_request")
    );
    for path in [
        "/api/notes/99",
        "/api/notes/one",
        "/api/nothing",
        "/auth/nothing",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (404, "not_found"),
            "{path}"
        );
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_told_which_it_knows() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let answer = browser.get("/auth/refresh").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (405, "method_not_allowed")
    );
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn everything_but_the_unknown_asks_who_it_is() {
    let server = start(config()).await;
    let mut stranger = Browser::new(&server);
    for (method, path) in [
        (Method::GET, "/api/me"),
        (Method::GET, "/api/notes"),
        (Method::POST, "/api/notes"),
        (Method::GET, "/api/notes/1"),
        (Method::PUT, "/api/notes/1"),
        (Method::DELETE, "/api/notes/1"),
        (Method::POST, "/api/upload"),
        (Method::PUT, "/api/upload"),
    ] {
        let request = stranger.request(method, path);
        assert_eq!(
            stranger.send(request).await.unwrap().error(),
            "access_token_missing"
        );
    }
}

#[tokio::test]
async fn an_upload_is_answered_with_the_digest_of_its_bytes() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let bytes: Vec<u8> = (0..5 * MIB).map(|n| (n % 251) as u8).collect();
    for method in [Method::POST, Method::PUT] {
        let request = browser
            .request(method, "/api/upload")
            .header("content-type", "application/x-thing")
            .body(bytes.clone());
        let answer = browser.send(request).await.unwrap().json();
        assert_eq!(answer["length"], bytes.len());
        assert_eq!(answer["sha256"], sha256(&bytes));
        assert_eq!(answer["content_type"], "application/x-thing");
        assert_eq!(answer["parts"], Value::Null);
    }
    assert_eq!(
        browser.counters().await["uploads"],
        1,
        "only POST is counted"
    );
}

#[tokio::test]
async fn a_form_is_answered_with_the_digests_of_its_parts() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n\
                --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"ä.bin\"\r\n\
                Content-Type: application/octet-stream\r\n\r\n\0\r\n\0\r\n--b--\r\n";
    let request = browser
        .request(Method::POST, "/api/upload")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(form);
    let answer = browser.send(request).await.unwrap().json();
    assert_eq!(answer["sha256"], sha256(form.as_bytes()));
    assert_eq!(
        answer["parts"],
        json!([
            { "name": "a", "filename": null, "content_type": null, "length": 3, "sha256": sha256(b"one") },
            { "name": "f", "filename": "ä.bin", "content_type": "application/octet-stream",
              "length": 4, "sha256": sha256(b"\0\r\n\0") },
        ])
    );

    let torn = browser
        .request(Method::POST, "/api/upload")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(&form[..form.len() / 2]);
    assert_eq!(browser.send(torn).await.unwrap().error(), "bad_request");
}

#[tokio::test]
async fn an_upload_beyond_the_limit_is_refused() {
    let server = start(config()).await;
    let mut browser = Browser::signed_in(&server).await;
    let request = browser
        .request(Method::POST, "/api/upload")
        .body(vec![0; 64 * MIB + 1]);
    let answer = browser.send(request).await.unwrap();
    assert_eq!((answer.status, answer.error().as_str()), (413, "too_large"));
    assert_eq!(browser.counters().await["uploads"], 0);
}

/// Were the rest of the upload not read, the connection would be reset, and a browser might see that reset in place of
/// the `401`.
#[tokio::test]
async fn an_upload_that_is_refused_unread_leaves_the_connection_usable() {
    let server = start(config()).await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!(
        "POST /api/upload HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n",
        server.addr(),
        8 * MIB
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![0; 8 * MIB]).await.unwrap();
    let next = format!(
        "GET /api/nothing HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        server.addr()
    );
    stream.write_all(next.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let statuses: Vec<&str> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(statuses, ["401", "404"]);
}

async fn send_json(browser: &mut Browser, method: Method, path: &str, body: &Value) -> Answer {
    let request = browser.request(method, path).json(body);
    browser.send(request).await.unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

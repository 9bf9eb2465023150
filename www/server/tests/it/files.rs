//! The static files.

use std::fs;

use keepfresh_demo_server::Config;

use crate::browser::Browser;
use crate::{config, start};

#[tokio::test]
async fn files_have_the_types_that_browsers_insist_on_and_are_asked_for_again() {
    let (www, pkg) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(www.path().join("index.html"), "<!doctype html>").unwrap();
    fs::write(www.path().join("style.css"), "").unwrap();
    fs::create_dir(pkg.path().join("engine")).unwrap();
    fs::write(pkg.path().join("index.js"), "").unwrap();
    fs::write(pkg.path().join("engine/keepfresh.wasm"), "\0asm").unwrap();
    let server = start(Config {
        www: Some(www.path().to_owned()),
        pkg: Some(pkg.path().to_owned()),
        ..config()
    })
    .await;
    let mut browser = Browser::new(&server);
    for (path, content_type) in [
        ("/", "text/html"),
        ("/index.html?a=b", "text/html"),
        ("/style.css", "text/css"),
        ("/keepfresh/index.js", "text/javascript"),
        ("/keepfresh/engine/keepfresh.wasm", "application/wasm"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], content_type, "{path}");
        assert_eq!(answer.headers["cache-control"], "no-cache", "{path}");
        let has_policy = answer.headers.contains_key("content-security-policy");
        assert_eq!(has_policy, content_type == "text/html", "{path}");
    }
}

#[tokio::test]
async fn what_no_page_is_made_of_is_not_there() {
    let www = tempfile::tempdir().unwrap();
    fs::write(www.path().join("index.html"), "").unwrap();
    for secret in [
        "demo.sqlite",
        "demo.sqlite-wal",
        ".html",
        "Cargo.toml",
        "LICENSE",
    ] {
        fs::write(www.path().join(secret), "secret").unwrap();
    }
    let server = start(Config {
        www: Some(www.path().to_owned()),
        ..config()
    })
    .await;
    let mut browser = Browser::new(&server);
    for path in [
        "/demo.sqlite",
        "/demo%2Esqlite",
        "/demo.sqlite/",
        "/demo.sqlite%2f",
        "/demo.sqlite%00.html",
        "/demo.sqlite-wal",
        "/.html",
        "/Cargo.toml",
        "/LICENSE",
        "/nothing.js",
        "/..%2f..%2f..%2f..%2fetc%2fhostname.txt",
        "/keepfresh/index.js",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.error(), "not_found", "{path}");
    }
}

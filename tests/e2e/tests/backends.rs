//! Backends that people run, each as its own docs set it up, and one story over all of them: with options alone.
//!
//! `cargo xtask test --only backends` installs them, and then runs this.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "to panic is how a test says that it cannot go on"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use keepfresh_e2e::{Page, usual};
use serde_json::{Map, Value, json};

/// How long access tokens live. The story waits for several to expire, and on a busy machine 20 requests take more than a second.
const ACCESS_SECONDS: &str = "4";

macro_rules! backends {
    ($($test:ident $name:literal $server:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            tells_the_story($name, $server).await;
        }
    )*};
}

backends! {
    flask "flask" "server.py"
    fastapi "fastapi" "server.py"
    django "django" "server.py"
    express "express" "server.js"
    fastify "fastify" "server.js"
    graphql_yoga "graphql-yoga" "server.js"
    nestjs "nestjs" "server.ts"
}

/// What docs/backends.md shows is what runs here.
#[test]
fn the_docs_show_the_very_code() {
    let docs =
        std::fs::read_to_string(root().join("docs/backends.md")).expect("the docs are there");
    for name in [
        "flask",
        "fastapi",
        "django",
        "express",
        "fastify",
        "graphql-yoga",
        "nestjs",
    ] {
        let code = std::fs::read_to_string(backends().join(name).join("client.js"));
        let code = code.expect("each has a client");
        assert!(docs.contains(&format!("```js\n{code}```")), "{name}");
    }
}

async fn tells_the_story(name: &str, server: &str) {
    let page = Page::open(usual(), "/lab/blank").await;
    let host = page.server.addr().ip().to_string();
    let folder = backends().join(name);
    let mut command = match server {
        "server.py" => Command::new(environments().join(name).join("bin/python")),
        _ => Command::new("node"),
    };
    if server == "server.ts" {
        command.arg("--import=tsx");
    }
    command
        // Where tsx looks for a tsconfig.json.
        .current_dir(&folder)
        .arg(folder.join(server))
        .env("ACCESS_SECONDS", ACCESS_SECONDS)
        .env("HOST", &host);
    let backend = Program::start(command);
    let mut command = Command::new("node");
    command
        .arg(backends().join("front.js"))
        .arg(&backend.address)
        .arg(folder.join("client.js"))
        .arg(root().join("pkg"))
        .env("HOST", &host);
    let front = Program::start(command);
    page.visit(&front.address).await;
    page.give("backend", name).await;
    let seen = page
        .run(
            r#"
            const { story } = await import("/front/story.js");
            while (!window.client) await new Promise((resolve) => setTimeout(resolve, 10));
            return await story(backend);
            "#,
        )
        .await;
    let expected = json!({
            "a wrong password": [false, "unknown"],
            "a sign-in": [true, "active", true],
            "20 GETs at expiry": [true, 1],
            "a POST at expiry": [true, 1],
            "an upload at expiry": [true, 1],
            "two tabs at expiry": [true, 1],
            "an answer that is forbidden": [true, 0],
            "a sign-out at expiry": [true, "expired", false, false],
            "a revoked refresh": [false, "expired", 1],
            "a sign-in again": [true, "active", true],
    });
    note(name, &seen, &expected);
    assert_eq!(seen, expected, "{name}");
}

/// Leaves word of how each scene went, for the README's table.
fn note(name: &str, seen: &Value, expected: &Value) {
    let expected = expected.as_object().expect("scenes have names");
    let scenes: Map<_, _> = expected
        .iter()
        .map(|(scene, end)| (scene.clone(), Value::Bool(seen.get(scene) == Some(end))))
        .collect();
    let file = environments().join(name).with_extension("json");
    std::fs::write(file, Value::Object(scenes).to_string()).expect("there is room on the disk");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where those in Python are installed, and where it is noted how each did.
fn environments() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    target.join("backends")
}

fn backends() -> PathBuf {
    root().join("tests/backends")
}

/// A program in the background that prints where it listens. Dropped, it is stopped.
struct Program {
    process: Child,
    address: String,
    /// Kept open: a program that cannot write its output may end.
    _output: BufReader<ChildStdout>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut output = BufReader::new(process.stdout.take().expect("the output was asked for"));
        let mut address = String::new();
        output.read_line(&mut address).expect("it says something");
        assert!(!address.is_empty(), "{command:?} ended before it listened");
        Self {
            process,
            address: address.trim().to_owned(),
            _output: output,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The packed tarball in small apps, one for each way to bundle: opened in a browser, each lets many requests meet an
//! expired access token.
//!
//! `cargo xtask test --only package` packs, installs and builds, and then runs this.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "to panic is how a test says that it cannot go on"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use keepfresh_e2e::{Config, Page, serve, usual};
use serde_json::json;

const STORY: &str = "20 of 20 answered, 1 refresh";

macro_rules! built {
    ($($test:ident $app:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let page = Page::open(served($app), "/").await;
            assert_eq!(story(&page).await, STORY);
            assert_eq!(page.console_errors().await, [""; 0]);
        }
    )*};
}

// Served as a strict site serves its pages: scripts from files alone, and `'wasm-unsafe-eval'`.
built! {
    vite "vite"
    vite_7 "vite-7"
    vite_slim "vite-slim"
    webpack "webpack"
    webpack_slim "webpack-slim"
    rspack "rspack"
    rollup "rollup"
    esbuild "esbuild"
    parcel "parcel"
    worker "worker"
    service_worker "service-worker"
}

#[tokio::test(flavor = "multi_thread")]
async fn import_map() {
    let page = Page::open(usual(), "/lab/blank").await;
    let app = built_app("import-map");
    let front = Program::front(page.server.origin(), &app.to_string_lossy());
    page.visit(front.said()).await;
    assert_eq!(story(&page).await, STORY);
}

#[tokio::test(flavor = "multi_thread")]
async fn vite_dev() {
    let page = Page::open(usual(), "/lab/blank").await;
    let mut vite = tool("vite", "vite");
    // As after a fresh installation: it finds out in the browser what there is to prepare, and reloads the page.
    vite.args(["--host", "127.0.0.1", "--port", "0", "--force"]);
    let vite = Program::start(vite, |line| {
        let (_, address) = line.split_once("http://")?;
        Some(format!("http://{}", address.trim_end_matches('/')))
    });
    let front = Program::front(page.server.origin(), vite.said());
    page.visit(front.said()).await;
    assert_eq!(story(&page).await, STORY);
}

#[tokio::test(flavor = "multi_thread")]
async fn next() {
    let page = Page::open(usual(), "/lab/blank").await;
    let mut next = tool("next", "next");
    next.args(["start", "--hostname", "127.0.0.1", "--port", "0"]);
    let next = Program::start(next, |line| {
        let (_, address) = line.split_once("http://127.0.0.1:")?;
        Some(format!("http://127.0.0.1:{}", address.trim()))
    });
    let front = Program::front(page.server.origin(), next.said());
    page.visit(front.said()).await;
    assert_eq!(page.text("server").await, "unknown");
    assert_eq!(story(&page).await, STORY);
}

/// Installed by npm itself, and imported where there is no page.
#[tokio::test(flavor = "multi_thread")]
async fn node() {
    let server = serve(usual()).await;
    let app = built_app("node");
    let _ = std::fs::remove_dir_all(&app);
    std::fs::create_dir_all(&app).expect("a folder for the app");
    std::fs::write(
        app.join("package.json"),
        r#"{ "private": true, "type": "module" }"#,
    )
    .expect("its package.json");
    std::fs::copy(consumers().join("node/main.js"), app.join("main.js")).expect("its code");
    let tarball = std::env::var("KEEPFRESH_TARBALL").expect("run cargo xtask test --only package");
    run(Command::new("npm")
        .args(["install", "--offline", "--no-audit", "--no-fund", &tarball])
        .current_dir(&app));
    for entry in ["keepfresh", "keepfresh/slim"] {
        let said = run(Command::new("node")
            .args(["main.js", server.origin(), entry])
            .current_dir(&app));
        assert_eq!(said.trim(), STORY, "{entry}");
    }
}

/// Every code block of docs/recipes.md and the one of the README, as they stand: each logs the user's name.
#[tokio::test(flavor = "multi_thread")]
async fn recipes() {
    let page = Page::signed_in().await;
    let modules = built_app("recipes");
    let mut names: Vec<_> = std::fs::read_dir(&modules)
        .expect("the recipes are built")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| Some(file.strip_suffix(".js")?.to_owned()))
        .filter(|name| name != "client" && !name.starts_with("chunk-"))
        .collect();
    names.sort_unstable();
    let front = Program::front(page.server.origin(), &modules.to_string_lossy());
    let blank = format!("{}/lab/blank", front.said());
    for name in &names {
        // A page of its own, and so a client of its own.
        page.visit(&blank).await;
        page.give("recipe", name.as_str()).await;
        let seen = page
            .run(
                r#"
                const post = (path, body) => {
                    const headers = { "content-type": "application/json" };
                    return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
                };
                await post("/auth/sign-in", { login: "ada", password: "correct horse" });
                await post("/lab/counters/reset?all=1", {});
                await post("/lab/expire-access", {});
                // What the recipe before has learnt of its cookie is not true of this one.
                localStorage.clear();
                sessionStorage.clear();
                const logged = new Promise((resolve) => (console.log = resolve));
                await import(`/${recipe}.js`);
                const said = await logged;
                const { refresh_requests } = await (await fetch("/lab/counters?all=1")).json();
                return [said, refresh_requests];
                "#,
            )
            .await;
        assert_eq!(seen, json!(["Ada Lovelace", 1]), "{name}");
        println!("recipe {name} ... ok");
    }
    assert_eq!(names.len(), 17, "{names:?}");
}

/// What the app tells in the end; an error, if it is one. Development servers may reload the page meanwhile.
async fn story(page: &Page) -> String {
    loop {
        let told = page.text("story").await;
        if told != "…" {
            return told;
        }
    }
}

fn served(app: &str) -> Config {
    Config {
        www: Some(built_app(app)),
        ..usual()
    }
}

fn built_app(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/consumers")
        .join(name)
}

fn consumers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../consumers")
}

/// A command of an app's tools, to be run in the app's folder.
fn tool(app: &str, name: &str) -> Command {
    let mut command = Command::new(consumers().join("node_modules/.bin").join(name));
    command.current_dir(consumers().join(app));
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it can be run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// A program in the background that says where it listens. Dropped, it is stopped.
struct Program {
    process: Child,
    said: String,
    /// Kept open: a program that cannot write its output may end.
    output: BufReader<ChildStdout>,
}

impl Program {
    /// One origin for an app and the API.
    fn front(api: &str, app: &str) -> Self {
        let mut front = Command::new("node");
        front.arg(consumers().join("front.js")).args([api, app]);
        Self::start(front, |line| Some(line.to_owned()))
    }

    fn start(mut command: Command, address: impl Fn(&str) -> Option<String>) -> Self {
        let mut process = command
            .env("NO_COLOR", "1")
            .env("NEXT_TELEMETRY_DISABLED", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = BufReader::new(process.stdout.take().expect("the output was asked for"));
        let mut program = Self {
            process,
            said: String::new(),
            output,
        };
        let mut line = String::new();
        while matches!(program.output.read_line(&mut line), Ok(1..)) {
            if let Some(said) = address(line.trim_end()) {
                program.said = said;
                return program;
            }
            line.clear();
        }
        panic!("{command:?} ended before it listened");
    }

    fn said(&self) -> &str {
        &self.said
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! A page of a server, in a browser of its own.

use std::sync::Arc;

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::block_in_place;
use url::{ParseError, Url};

use crate::driver::Driver;
use crate::engine::Engine;
use crate::server::{Config, Running, serve, usual};

/// However many tests run at once, a machine has only so much room for browsers.
static BROWSERS: Semaphore = Semaphore::const_new(3);

/// A page, its browser, and the server that it comes from. All end when it is dropped.
pub struct Page {
    /// Where the page comes from.
    pub server: Running,
    browser: Client,
    _driver: Arc<Driver>,
    _place: SemaphorePermit<'static>,
}

impl Page {
    /// A blank page of the usual server, with what `page.js` offers, and the demo user signed in.
    pub async fn signed_in() -> Self {
        let page = Self::blank(usual()).await;
        page.run("await signIn();").await;
        page
    }

    /// A blank page of a server, with what `page.js` offers.
    pub async fn blank(config: Config) -> Self {
        let page = Self::open(config, "/lab/blank").await;
        page.run(include_str!("page.js")).await;
        page
    }

    /// A page of a server, as it is.
    pub async fn open(config: Config, path: &str) -> Self {
        let place = BROWSERS.acquire().await.expect("it is never closed");
        let engine = Engine::chosen();
        let driver = Driver::running(engine);
        let server = serve(config).await;
        let browser = ClientBuilder::new(HttpConnector::new())
            .capabilities(engine.capabilities())
            .connect(driver.address())
            .await
            .unwrap_or_else(|error| panic!("no browser: {error}"));
        let page = Self {
            server,
            browser,
            _driver: driver,
            _place: place,
        };
        let url = format!("{}{path}", page.server.origin());
        page.done(page.browser.goto(&url).await);
        page
    }

    /// Goes to another page, wherever it comes from.
    pub async fn visit(&self, url: &str) {
        self.done(self.browser.goto(url).await);
    }

    /// A server of another origin, which lets this page in.
    pub async fn another_server(&self) -> Running {
        let page = self.server.origin().parse();
        serve(Config {
            allow_origin: vec![page.expect("the server knows its origin")],
            ..usual()
        })
        .await
    }

    /// Runs the body of an async function in the page, and hands over what it returns. An error that it throws ends
    /// the test.
    pub async fn run(&self, script: &str) -> Value {
        let script = format!("return (async () => {{\n{script}\n}})();");
        self.done(self.browser.execute(&script, vec![]).await)
    }

    /// Makes a value known to scripts under a name.
    pub async fn give(&self, name: &str, value: impl Into<Value>) {
        let script = "globalThis[arguments[0]] = arguments[1];";
        self.done(
            self.browser
                .execute(script, vec![json!(name), value.into()])
                .await,
        );
    }

    /// The values of all cookies, those that scripts cannot see above all.
    pub async fn cookie_values(&self) -> Vec<String> {
        // A page is told of its own path's cookies, and the refresh token's path is another.
        let page = self.done(self.browser.window().await);
        let other = self.done(self.browser.new_window(true).await).handle;
        self.done(self.browser.switch_to_window(other).await);
        let url = format!("{}/auth/", self.server.origin());
        self.done(self.browser.goto(&url).await);
        let cookies = self.done(self.browser.get_all_cookies().await);
        self.done(self.browser.close_window().await);
        self.done(self.browser.switch_to_window(page).await);
        let values = cookies.iter().map(|cookie| cookie.value().to_owned());
        values.collect()
    }

    /// Clicks on the element with this id, once it is there. It is scrolled to first, out from under what floats.
    pub async fn click(&self, id: &str) {
        let element = self.element(id).await;
        let script = "document.getElementById(arguments[0]).scrollIntoView({ block: 'center' });";
        self.done(self.browser.execute(script, vec![json!(id)]).await);
        self.done(element.click().await);
    }

    /// The text of the element with this id, as a user sees it.
    pub async fn text(&self, id: &str) -> String {
        self.done(self.element(id).await.text().await)
    }

    /// Waits until the text of the element with this id contains `words`.
    pub async fn see(&self, id: &str, words: &str) {
        let script = r#"
            const [id, words] = arguments;
            const element = document.getElementById(id);
            const found = () => element.innerText.includes(words);
            return new Promise((resolve) => {
                const watch = () => (found() ? resolve() : requestAnimationFrame(watch));
                watch();
            });
        "#;
        let asked = vec![json!(id), json!(words)];
        if let Err(error) = self.browser.execute(script, asked).await {
            let instead = self.text(id).await;
            panic!("#{id} was to say {words:?}, and says {instead:?} ({error})");
        }
    }

    /// Errors in the browser's console, but for the browser's own notes on requests that were answered with one.
    pub async fn console_errors(&self) -> Vec<String> {
        let entries = self.done(self.browser.issue_cmd(ConsoleLog).await);
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" && entry["source"] != "network")
            .map(|entry| entry["message"].to_string())
            .collect()
    }

    async fn element(&self, id: &str) -> Element {
        let found = self.browser.wait().for_element(Locator::Id(id)).await;
        self.done(found)
    }

    #[track_caller]
    fn done<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| panic!("in the page: {error}"))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Waited for, and in a test that fails too: a browser that nobody closes outlives its driver.
        let browser = self.browser.clone();
        let _ = block_in_place(|| Handle::current().block_on(browser.close()));
    }
}

/// Chromium's console; the standard way, WebDriver BiDi, would take a second protocol.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

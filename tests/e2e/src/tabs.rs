//! Several tabs of one browser, and the server that they come from.

use std::net::Ipv4Addr;

use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use http::Method;
use keepfresh_demo_server::Server;
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use url::{ParseError, Url};

use crate::browser::{INSECURE, Mode};
use crate::engine::Engine;
use crate::held::Held;
use crate::pool::{Kind, Pooled};
use crate::server::{Config, Running, own_host, usual, with_pages};

/// A browser with many tabs keeps a machine busier than one with a page.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// A tab, by the order in which it was opened.
pub type Tab = usize;

/// What the tabs are to be like.
pub struct Setting<'a> {
    /// The server that they come from.
    pub config: Config,
    /// How many.
    pub count: usize,
    /// Whether they know their server by a name that makes them insecure contexts.
    pub insecure: bool,
    /// A script that runs in each before anything else does.
    pub prelude: &'a str,
    /// How their browser treats them.
    pub mode: Mode,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            config: usual(),
            count: 2,
            insecure: false,
            prelude: "",
            mode: Mode::default(),
        }
    }
}

/// Tabs that share cookies, storage, locks and channels. All end when it is dropped.
pub struct Tabs {
    /// Where they come from.
    pub server: Running,
    /// Holds back answers of refreshes.
    pub held: Held,
    origin: String,
    prelude: String,
    mode: Mode,
    browser: Pooled,
    tabs: Vec<WindowHandle>,
    /// A driver looks at one tab at a time: who switches to a tab holds this until it is done there.
    looking: Mutex<()>,
    _place: SemaphorePermit<'static>,
}

impl Tabs {
    /// Blank pages of the usual server, with what `page.js` offers, and the demo user signed in.
    pub async fn signed_in(count: usize) -> Self {
        Self::signed_in_with(Setting {
            count,
            ..Setting::default()
        })
        .await
    }

    /// The same, in another setting.
    pub async fn signed_in_with(setting: Setting<'_>) -> Self {
        let tabs = Self::open(setting).await;
        tabs.run(0, "await signIn();").await;
        tabs
    }

    async fn open(setting: Setting<'_>) -> Self {
        let place = BROWSERS.acquire().await.expect("it is never closed");
        let (host, name) = if setting.insecure {
            (Ipv4Addr::LOCALHOST, INSECURE.to_owned())
        } else {
            let host = own_host();
            (host, host.to_string())
        };
        let config = Config {
            host: host.into(),
            ..with_pages(setting.config)
        };
        let server = Server::bind(config).await;
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let mut held = None;
        let server = server.wrapped(|app| {
            let (hold, app) = Held::around(app);
            held = Some(hold);
            app
        });
        let browser = Pooled::take(Kind::Tabs, setting.mode).await;
        let mut tabs = Self {
            origin: format!("http://{name}:{}", server.addr().port()),
            server: server.spawn(),
            held: held.expect("it is there once the server is wrapped"),
            prelude: setting.prelude.to_owned(),
            mode: setting.mode,
            browser,
            tabs: Vec::new(),
            looking: Mutex::new(()),
            _place: place,
        };
        let first = tabs.browser.first.clone();
        tabs.tabs.push(first);
        tabs.load(0).await;
        while tabs.tabs.len() < setting.count {
            tabs.add().await;
        }
        tabs
    }

    /// Opens one more.
    pub async fn add(&mut self) -> Tab {
        let window = if self.mode.private && Engine::chosen() == Engine::Chromium {
            self.open_from_page().await
        } else {
            // Tabs that nobody sees are slowed down in WebKit, whatever it is told; windows are all seen.
            let as_tab = self.mode.throttled || Engine::chosen().shows_new_tab();
            let opened = self.browser.client.new_window(as_tab).await;
            self.browser.done(opened).handle
        };
        self.tabs.push(window);
        let tab = self.tabs.len() - 1;
        self.load(tab).await;
        tab
    }

    /// Its driver opens none that is private; a private page does.
    async fn open_from_page(&self) -> WindowHandle {
        self.run(0, "open('about:blank');").await;
        let windows = self.browser.done(self.browser.client.windows().await);
        let new = windows.into_iter().find(|it| !self.tabs.contains(it));
        new.expect("the page has opened one")
    }

    /// Runs the body of an async function in a tab, and hands over what it returns.
    pub async fn run(&self, tab: Tab, script: &str) -> Value {
        self.look(tab, &format!("return (async () => {{\n{script}\n}})();"))
            .await
    }

    /// Has the body of an async function begin in a tab, and does not wait for it.
    pub async fn begin(&self, tab: Tab, script: &str) {
        let script = format!("globalThis.begun = (async () => {{\n{script}\n}})();");
        // Nobody may have asked for its outcome yet when it fails.
        self.look(tab, &format!("{script} begun.catch(() => {{}});"))
            .await;
    }

    /// What became of what was begun there.
    pub async fn end(&self, tab: Tab) -> Value {
        self.look(tab, "return globalThis.begun;").await
    }

    /// Runs the body of an async function in all tabs at once, and hands over what each returns. They all wait for
    /// one message before they begin.
    pub async fn at_once(&self, script: &str) -> Vec<Value> {
        let waiting = format!(
            "const go = new BroadcastChannel('go');
             await new Promise((resolve) => (go.onmessage = resolve));
             go.close();
             {script}"
        );
        for tab in 0..self.tabs.len() {
            self.begin(tab, &waiting).await;
        }
        self.run(
            0,
            "const go = new BroadcastChannel('go'); go.postMessage(0); go.close();",
        )
        .await;
        let mut results = Vec::new();
        for tab in 0..self.tabs.len() {
            results.push(self.end(tab).await);
        }
        results
    }

    /// Reloads the page of a tab, and what `page.js` offers.
    pub async fn reload(&self, tab: Tab) {
        let _looking = self.switch_to(tab).await;
        self.browser.done(self.browser.client.refresh().await);
        self.offer().await;
    }

    /// Goes to another page of the server and does no more.
    pub async fn leave(&self, tab: Tab, path: &str) {
        self.visit(tab, &format!("{}{path}", self.origin)).await;
    }

    /// Goes to a page, wherever it comes from.
    pub async fn visit(&self, tab: Tab, url: &str) {
        let _looking = self.switch_to(tab).await;
        self.browser.go(url).await;
    }

    /// Goes back to the page before: that very page, if the browser has kept it.
    pub async fn back(&self, tab: Tab) {
        let _looking = self.switch_to(tab).await;
        self.browser.done(self.browser.client.back().await);
    }

    /// Hides all tabs, as a window is that has been minimized.
    pub async fn hide(&self) {
        for tab in 0..self.tabs.len() {
            let _looking = self.switch_to(tab).await;
            self.browser
                .done(self.browser.client.minimize_window().await);
        }
    }

    /// Closes a tab. Those after it keep their numbers; it is not to be used again.
    pub async fn close(&self, tab: Tab) {
        let _looking = self.switch_to(tab).await;
        self.browser.done(self.browser.client.close_window().await);
    }

    /// Freezes a tab, as a browser does to one that nobody has looked at for long: nothing of it runs. Only Chromium
    /// can be told to; elsewhere the tab stays awake.
    pub async fn freeze(&self, tab: Tab) {
        self.set_lifecycle(tab, "frozen").await;
    }

    /// Wakes it up again.
    pub async fn resume(&self, tab: Tab) {
        self.set_lifecycle(tab, "active").await;
    }

    async fn set_lifecycle(&self, tab: Tab, state: &'static str) {
        if Engine::chosen() != Engine::Chromium {
            return;
        }
        let _looking = self.switch_to(tab).await;
        let command = DevTools("Page.setWebLifecycleState", json!({ "state": state }));
        self.browser
            .done(self.browser.client.issue_cmd(command).await);
    }

    async fn load(&self, tab: Tab) {
        let _looking = self.switch_to(tab).await;
        let url = format!("{}/blank.html", self.origin);
        self.browser.go(&url).await;
        self.offer().await;
    }

    async fn offer(&self) {
        let offer = include_str!("page.js");
        let prelude = &self.prelude;
        self.execute(&format!(
            "{prelude}\nreturn (async () => {{\n{offer}\n}})();"
        ))
        .await;
    }

    async fn look(&self, tab: Tab, script: &str) -> Value {
        let _looking = self.switch_to(tab).await;
        self.execute(script).await
    }

    /// In Firefox a script runs beside its page, with a global object of its own.
    async fn execute(&self, script: &str) -> Value {
        let script = format!("return ((globalThis) => {{\n{script}\n}})(window);");
        self.browser
            .done(self.browser.client.execute(&script, vec![]).await)
    }

    async fn switch_to(&self, tab: Tab) -> impl Drop {
        let looking = self.looking.lock().await;
        let window = self.tabs.get(tab).expect("a tab that was opened").clone();
        self.browser
            .done(self.browser.client.switch_to_window(window).await);
        looking
    }
}

/// A command of Chromium's own protocol, sent along with those of WebDriver.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let Self(command, parameters) = self;
        let body = json!({ "cmd": command, "params": parameters });
        (Method::POST, Some(body.to_string()))
    }
}

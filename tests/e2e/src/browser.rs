//! A browser, and its tabs.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WindowHandle};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::block_in_place;

use crate::driver::Driver;
use crate::engine::Engine;

/// What keeps a browser from slowing down tabs that nobody looks at: a driver has only one tab in front.
const ALL_AWAKE: [&str; 3] = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

/// A name for the server that makes its pages insecure contexts, which the loopback address does not.
pub(crate) const INSECURE: &str = "insecure.test";

/// How long a page may take to load.
const LONGEST: Duration = Duration::from_secs(30);

/// Every test has a runtime of its own, which ends with it; what talks to browsers goes on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a thread can be started")
});

/// How a browser treats its tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Whether hidden tabs are slowed down, as they are for users, or run like the one in front.
    pub throttled: bool,
    /// Whether its windows are private. (Those of WebKit's driver always are.)
    pub private: bool,
}

/// A browser with an empty profile. It ends when it is dropped.
pub struct Browser {
    pub(crate) client: Client,
    pub(crate) first: WindowHandle,
    _driver: Driver,
}

impl Browser {
    /// Starts one, with one blank tab.
    pub async fn start(mode: Mode) -> Self {
        let engine = Engine::chosen();
        let driver = Driver::start(engine);
        let address = driver.address();
        let client = RUNTIME.spawn(async move {
            ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities(engine, mode))
                .connect(&address)
                .await
        });
        let client = client.await.expect("it does not panic");
        // With what caused it, which alone tells a driver that is gone from a browser that does not start.
        let client = client.unwrap_or_else(|error| panic!("no browser: {error:?}"));
        let first = client.window().await;
        Self {
            first: first.unwrap_or_else(|error| panic!("no browser: {error}")),
            client,
            _driver: driver,
        }
    }

    /// Opens a tab, and waits until its page is loaded.
    pub async fn open(&self, url: &str) -> WindowHandle {
        let window = self.done(self.client.new_window(true).await).handle;
        self.done(self.client.switch_to_window(window.clone()).await);
        self.go(url).await;
        window
    }

    /// Closes a tab; not the one that there was at the start.
    pub async fn close(&self, window: WindowHandle) {
        self.done(self.client.switch_to_window(window).await);
        self.done(self.client.close_window().await);
        // A driver that looks at a tab that is gone opens no other.
        self.done(self.client.switch_to_window(self.first.clone()).await);
    }

    /// Goes to a page, and waits until it is there: in a new window, WebKit's driver takes the blank page for it.
    pub(crate) async fn go(&self, url: &str) {
        self.done(self.client.goto(url).await);
        let is_there = "return location.href === new URL(arguments[0]).href && document.readyState === 'complete';";
        let start = Instant::now();
        while !matches!(
            self.client.execute(is_there, vec![json!(url)]).await,
            Ok(Value::Bool(true))
        ) {
            assert!(start.elapsed() < LONGEST, "{url} does not load");
        }
    }

    /// One new tab in place of all others.
    pub(crate) async fn clear(&mut self) -> Result<(), CmdError> {
        let client = &self.client;
        let old = client.windows().await?;
        let as_tab = Engine::chosen().shows_new_tab();
        self.first = client.new_window(as_tab).await?.handle;
        for window in old {
            client.switch_to_window(window).await?;
            client.close_window().await?;
        }
        client.switch_to_window(self.first.clone()).await
    }

    #[track_caller]
    pub(crate) fn done<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| panic!("in the browser: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Waited for, and in a test that fails too: a browser that nobody closes outlives its driver.
        let client = self.client.clone();
        let _ = block_in_place(|| Handle::current().block_on(client.close()));
    }
}

fn capabilities(engine: Engine, mode: Mode) -> Capabilities {
    let mut capabilities = engine.capabilities();
    match engine {
        Engine::Chromium => {
            let flags = capabilities["goog:chromeOptions"]["args"].as_array_mut();
            let flags = flags.expect("the engine lists its flags");
            flags.push(format!("--host-resolver-rules=MAP {INSECURE} 127.0.0.1").into());
            if !mode.throttled {
                flags.extend(ALL_AWAKE.map(Value::from));
            }
            if mode.private {
                flags.push("--incognito".into());
            }
        }
        Engine::Firefox => {
            let preferences = &mut capabilities["moz:firefoxOptions"]["prefs"];
            *preferences = json!({
                "network.dns.localDomains": INSECURE,
                "browser.privatebrowsing.autostart": mode.private,
            });
            if !mode.throttled {
                preferences["dom.min_background_timeout_value"] = json!(4);
                preferences["dom.timeout.enable_budget_timer_throttling"] = json!(false);
            }
        }
        Engine::Webkit => {}
    }
    capabilities
}

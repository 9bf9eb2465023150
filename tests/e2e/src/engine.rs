//! The browser engines that the tests run in.

use std::env;
use std::process::Command;

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

/// Chosen by `KEEPFRESH_BROWSER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chromium, which Chrome and Edge are made of.
    Chromium,
    /// Firefox.
    Firefox,
    /// WebKitGTK, in its MiniBrowser: as near to Safari as Linux gets.
    Webkit,
}

impl Engine {
    /// The one that this run of the tests is for; Chromium unless told otherwise.
    pub fn chosen() -> Self {
        match env::var("KEEPFRESH_BROWSER").as_deref() {
            Err(_) | Ok("chromium") => Self::Chromium,
            Ok("firefox") => Self::Firefox,
            Ok("webkit") => Self::Webkit,
            Ok(other) => {
                panic!("KEEPFRESH_BROWSER is {other}: expected chromium, firefox or webkit")
            }
        }
    }

    /// The driver, to listen on this port.
    pub(crate) fn driver(self, port: u16) -> Command {
        // As wasm-bindgen's test runner calls them.
        let (variable, usual) = match self {
            Self::Chromium => ("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => ("GECKODRIVER", "geckodriver"),
            Self::Webkit => ("SAFARIDRIVER", "WebKitWebDriver"),
        };
        let mut driver = Command::new(env::var_os(variable).unwrap_or(usual.into()));
        driver.arg(format!("--port={port}"));
        if self == Self::Webkit {
            // Of a screen without a graphics card it would show nothing.
            driver.env("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
            driver.env("LIBGL_ALWAYS_SOFTWARE", "1");
        }
        driver
    }

    /// Whether it has no mode without a screen.
    pub(crate) fn needs_screen(self) -> bool {
        self == Self::Webkit
    }

    /// Whether a new tab is the one that is seen. Elsewhere it would be a page in the background, whose timers the
    /// browser slows down.
    pub(crate) fn shows_new_tab(self) -> bool {
        self != Self::Webkit
    }

    /// A profile of its own, and nothing on its mind but the test.
    pub(crate) fn capabilities(self) -> Capabilities {
        let own = match self {
            Self::Chromium => json!({
                "goog:loggingPrefs": { "browser": "ALL" },
                "goog:chromeOptions": {
                    "args": [
                        "--headless=new",
                        // Tests run as root in containers, where Chromium's sandbox cannot be set up.
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--disable-quic",
                        "--no-first-run",
                        "--window-size=1280,1000",
                    ],
                },
            }),
            Self::Firefox => json!({ "moz:firefoxOptions": { "args": ["-headless"] } }),
            // The driver knows where its browser is.
            Self::Webkit => json!({}),
        };
        let common = json!({ "acceptInsecureCerts": true, "timeouts": { "script": 60_000 } });
        [common, own]
            .into_iter()
            .flat_map(|capabilities| match capabilities {
                Value::Object(capabilities) => capabilities,
                _ => Capabilities::new(),
            })
            .collect()
    }
}

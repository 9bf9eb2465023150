//! The browser engines that the tests can run in.

use std::env;
use std::process::Command;

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

/// Chosen by `KEEPFRESH_BROWSER`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Chromium,
}

impl Engine {
    pub(crate) fn chosen() -> Self {
        match env::var("KEEPFRESH_BROWSER").as_deref() {
            Err(_) | Ok("chromium") => Self::Chromium,
            Ok(other) => panic!("KEEPFRESH_BROWSER is {other}: expected chromium"),
        }
    }

    /// Starts the driver on a free port.
    pub(crate) fn driver(self) -> Command {
        match self {
            Self::Chromium => {
                let program = env::var_os("CHROMEDRIVER").unwrap_or("chromedriver".into());
                let mut driver = Command::new(program);
                driver.arg("--port=0");
                driver
            }
        }
    }

    /// The port, if this is the line in which the driver tells it.
    pub(crate) fn port(self, line: &str) -> Option<u16> {
        match self {
            Self::Chromium => {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            }
        }
    }

    /// A browser without a window, a profile of its own, and nothing on its mind but the test.
    pub(crate) fn capabilities(self) -> Capabilities {
        let Value::Object(capabilities) = (match self {
            Self::Chromium => json!({
                "acceptInsecureCerts": true,
                "timeouts": { "script": 60_000 },
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
        }) else {
            unreachable!("capabilities are an object");
        };
        capabilities
    }
}

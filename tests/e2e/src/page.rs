//! A page of a server, in a browser.

use std::fs;

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Mode;
use crate::console;
use crate::pool::{Kind, Pooled};
use crate::server::{Config, Running, own_host, root, serve, usual};

/// A page, its browser, and the server that it comes from. When it is dropped, the server ends, and the browser is
/// free for the next one.
pub struct Page {
    /// Where the page comes from.
    pub server: Running,
    browser: Pooled,
    /// Whether it lets scripts be made of text.
    is_blank: bool,
    _www: Option<TempDir>,
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
        let mut page = Self::open(config, "/lab/blank").await;
        page.is_blank = true;
        page.run(include_str!("page.js")).await;
        page
    }

    /// A page of a server, as it is; but that a page of a folder has a listener for errors in it. The server gets a
    /// host of its own.
    pub async fn open(config: Config, path: &str) -> Self {
        let browser = Pooled::take(Kind::Page, Mode::default()).await;
        let www = config.www.as_deref().map(|www| {
            console::listening(www).unwrap_or_else(|error| panic!("{}: {error}", www.display()))
        });
        let server = serve(Config {
            host: own_host().into(),
            www: www.as_ref().map(|www| www.path().to_owned()),
            ..config
        })
        .await;
        let page = Self {
            server,
            browser,
            is_blank: false,
            _www: www,
        };
        page.done(console::take_log(page.client()).await);
        let url = format!("{}{path}", page.server.origin());
        page.browser.go(&url).await;
        page
    }

    /// Goes to another page, wherever it comes from.
    pub async fn visit(&self, url: &str) {
        self.browser.go(url).await;
    }

    /// A server of another origin, which lets this page in. Its host is the same: cookies know no ports.
    pub async fn another_server(&self) -> Running {
        let page = self.server.origin().parse();
        serve(Config {
            host: self.server.addr().ip(),
            allow_origin: vec![page.expect("the server knows its origin")],
            ..usual()
        })
        .await
    }

    /// Runs the body of an async function in the page, and hands over what it returns. An error that it throws ends
    /// the test.
    pub async fn run(&self, script: &str) -> Value {
        let script = format!("(async () => {{\n{script}\n}})()");
        let result = if self.is_blank {
            // As a script of the page. Firefox would run it beside the page, with globals and classes of its own.
            let script = vec![script.into()];
            self.client()
                .execute("return window.eval(arguments[0]);", script)
                .await
        } else {
            let script = format!("return {script};");
            self.client().execute(&script, vec![]).await
        };
        self.done(result)
    }

    /// Makes a value known to scripts under a name.
    pub async fn give(&self, name: &str, value: impl Into<Value>) {
        let script = "window[arguments[0]] = arguments[1];";
        self.done(
            self.client()
                .execute(script, vec![json!(name), value.into()])
                .await,
        );
    }

    /// The values of all cookies, those that scripts cannot see above all.
    pub async fn cookie_values(&self) -> Vec<String> {
        // A page is told of its own path's cookies, and the refresh token's path is another.
        let page = self.done(self.client().window().await);
        let other = self.done(self.client().new_window(true).await).handle;
        self.done(self.client().switch_to_window(other).await);
        let url = format!("{}/auth/", self.server.origin());
        self.done(self.client().goto(&url).await);
        let cookies = self.done(self.client().get_all_cookies().await);
        self.done(self.client().close_window().await);
        self.done(self.client().switch_to_window(page).await);
        let values = cookies.iter().map(|cookie| cookie.value().to_owned());
        values.collect()
    }

    /// Clicks on the element with this id, once it is there. It is scrolled to first, out from under what floats.
    pub async fn click(&self, id: &str) {
        let element = self.element(id).await;
        let script = "document.getElementById(arguments[0]).scrollIntoView({ block: 'center' });";
        self.done(self.client().execute(script, vec![json!(id)]).await);
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
        if let Err(error) = self.client().execute(script, asked).await {
            let instead = self.text(id).await;
            panic!("#{id} was to say {words:?}, and says {instead:?} ({error})");
        }
    }

    /// Errors in the console of a page that was opened from a folder, but for the browser's own notes on requests that
    /// were answered with one.
    pub async fn console_errors(&self) -> Vec<String> {
        self.done(console::errors(self.client()).await)
    }

    /// Has the page look as it does on a device that prefers dark colours.
    pub async fn prefer_dark(&self) {
        let script = r#"
            document.documentElement.style.colorScheme = "dark";
            const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
            const dark = rules.filter((rule) => rule.media?.mediaText === "(prefers-color-scheme: dark)");
            for (const rule of dark) rule.media.mediaText = "all";
            return dark.length;
        "#;
        let changed = self.done(self.client().execute(script, vec![]).await);
        assert_ne!(changed, 0, "the page has colours for the dark");
    }

    /// What axe-core finds to be out of reach of somebody, as rule and element.
    pub async fn accessibility_violations(&self) -> Vec<String> {
        let axe = root().join("node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(&axe)
            .unwrap_or_else(|error| panic!("{}: {error}; run npm ci", axe.display()));
        // The source has to be the script itself: the page's policy lets no script be made of text.
        let script = format!(
            r#"{axe};
            return axe.run(document, {{ resultTypes: ["violations"] }}).then(({{ violations }}) =>
                violations.flatMap(({{ id, nodes }}) =>
                    nodes.map(({{ target, failureSummary }}) => `${{id}}: ${{target}}: ${{failureSummary}}`)));"#
        );
        let found = self.done(self.client().execute(&script, vec![]).await);
        let found = found.as_array().expect("axe-core lists what it finds");
        found.iter().map(Value::to_string).collect()
    }

    /// What drives the browser, for what pages cannot do themselves.
    pub(crate) fn client(&self) -> &Client {
        &self.browser.client
    }

    async fn element(&self, id: &str) -> Element {
        let found = self.client().wait().for_element(Locator::Id(id)).await;
        self.done(found)
    }

    #[track_caller]
    fn done<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| panic!("in the page: {error}"))
    }
}

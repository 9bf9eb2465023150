//! A browser, as far as the server can tell: it keeps cookies, and can be made to forget what it was told.

use std::collections::BTreeMap;

use keepfresh_demo_server::Running;
use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Browser {
    http: Client,
    server: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(server: &Running) -> Self {
        // The first caller installs it, the others find it there.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            server: server.origin().to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn signed_in(server: &Running) -> Self {
        let mut browser = Self::new(server);
        assert_eq!(browser.sign_in("ada", "correct horse").await.status, 200);
        browser
    }

    pub(crate) async fn sign_in(&mut self, login: &str, password: &str) -> Answer {
        let credentials = json!({ "login": login, "password": password });
        let request = self
            .request(Method::POST, "/auth/sign-in")
            .json(&credentials);
        self.send(request).await.unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(request).await.unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str) -> Answer {
        let request = self.request(Method::POST, path);
        self.send(request).await.unwrap()
    }

    pub(crate) async fn refresh(&mut self) -> Answer {
        self.post("/auth/refresh").await
    }

    /// Fails where the connection does.
    pub(crate) async fn refresh_with_key(&mut self, key: &str) -> reqwest::Result<Answer> {
        let request = self
            .request(Method::POST, "/auth/refresh")
            .header("idempotency-key", key);
        self.send(request).await
    }

    pub(crate) async fn set_lab(&mut self, settings: Value) {
        let request = self.request(Method::POST, "/lab/set").json(&settings);
        let answer = self.send(request).await.unwrap();
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    /// For those without a session, too.
    pub(crate) async fn set_lab_for_all(&mut self, settings: Value) {
        let request = self.request(Method::POST, "/lab/set?all=1").json(&settings);
        let answer = self.send(request).await.unwrap();
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    pub(crate) async fn counters(&mut self) -> Value {
        self.get("/lab/counters").await.json()
    }

    /// With the cookies whose path it is under.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|(name, _)| *name != "kf_refresh" || path.starts_with("/auth/"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.http.request(method, format!("{}{path}", self.server));
        if cookies.is_empty() {
            request
        } else {
            request.header(COOKIE, cookies.join("; "))
        }
    }

    /// Takes over the cookies of the answer.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        };
        for (name, value) in answer.cookies() {
            if value.is_empty() {
                self.cookies.remove(&name);
            } else {
                self.cookies.insert(name, value);
            }
        }
        Ok(answer)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    /// `Set-Cookie` as it was sent, of the cookie of that name.
    pub(crate) fn set_cookie(&self, name: &str) -> String {
        let start = format!("{name}=");
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .find(|value| value.starts_with(&start))
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .to_owned()
    }

    fn cookies(&self) -> Vec<(String, String)> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| {
                let pair = value.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }
}

//! What the server can be asked.

use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use gloo_net::http::Response;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

#[cfg(not(feature = "keepfresh"))]
use crate::without as keepfresh;
use keepfresh::{Client, EventKind};

/// A note, as the server has it.
#[derive(Clone, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) text: String,
}

#[derive(Serialize)]
struct Draft<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Credentials<'a> {
    login: &'a str,
    password: &'a str,
}

#[derive(Clone)]
pub(crate) struct Server {
    client: Client,
}

/// What went wrong, in words.
type Result<T> = std::result::Result<T, String>;

impl Server {
    pub(crate) fn new() -> Result<Self> {
        let client = Client::builder("/auth/refresh")
            .sign_in("/auth/sign-in")
            .sign_out("/auth/sign-out")
            .build()
            .map_err(in_words)?;
        Ok(Self { client })
    }

    /// Calls when the user has to sign in again.
    pub(crate) fn on_expired(&self, then: impl Fn() + 'static) {
        let mut events = self.client.events();
        spawn_local(async move {
            while let Some(event) = events.next().await {
                if event.kind == EventKind::Expired {
                    then();
                }
            }
        });
    }

    pub(crate) async fn is_signed_in(&self) -> Result<bool> {
        let response = self.client.get("/api/me").send().await.map_err(in_words)?;
        Ok(response.ok())
    }

    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Result<bool> {
        let request = self.client.post("/auth/sign-in");
        let request = request.json(&Credentials { login, password });
        Ok(request.send().await.map_err(in_words)?.ok())
    }

    pub(crate) async fn sign_out(&self) -> Result<()> {
        let request = self.client.post("/auth/sign-out");
        expect_ok(request.send().await.map_err(in_words)?)?;
        Ok(())
    }

    /// All notes, asked for so many times at once; the last answer counts.
    pub(crate) async fn notes_at_once(&self, times: usize) -> Result<Vec<Note>> {
        let answers = try_join_all((0..times).map(|_| self.notes())).await?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }

    pub(crate) async fn add(&self, text: &str) -> Result<Note> {
        let request = self.client.post("/api/notes").json(&Draft { text });
        let response = expect_ok(request.send().await.map_err(in_words)?)?;
        response.json().await.map_err(in_words)
    }

    pub(crate) async fn remove(&self, id: i64) -> Result<()> {
        let request = self.client.delete(format!("/api/notes/{id}"));
        expect_ok(request.send().await.map_err(in_words)?)?;
        Ok(())
    }

    async fn notes(&self) -> Result<Vec<Note>> {
        let request = self.client.get("/api/notes");
        let response = expect_ok(request.send().await.map_err(in_words)?)?;
        response.json().await.map_err(in_words)
    }
}

fn expect_ok(response: Response) -> Result<Response> {
    match response.status() {
        200..300 => Ok(response),
        status => Err(format!("The server answered {status}.")),
    }
}

fn in_words(error: impl ToString) -> String {
    error.to_string()
}

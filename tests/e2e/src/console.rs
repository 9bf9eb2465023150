//! What a page's console shows.
//!
//! A listener (`listen.js`) is put into the page before anything else. Chromium's driver hands over the console too,
//! with what the browser itself has to say; the standard way to that, WebDriver BiDi, would take a second protocol.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fantoccini::Client;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

use crate::engine::Engine;

/// A folder of pages as it is, but that `index.html`, if there is one, has the listener in it.
pub(crate) fn listening(pages: &Path) -> io::Result<TempDir> {
    let copy = TempDir::new()?;
    copy_folder(pages, copy.path())?;
    let index: PathBuf = copy.path().join("index.html");
    if !index.exists() {
        return Ok(copy);
    }
    let page = fs::read_to_string(&index)?;
    // Not every page writes its head down, but each has a title, and no script before it.
    let listener = "<script src=\"/listen.js\"></script>\n<title>";
    let with = page.replacen("<title>", listener, 1);
    assert_ne!(page, with, "{} has a title", index.display());
    fs::write(index, with)?;
    fs::write(copy.path().join("listen.js"), include_str!("listen.js"))?;
    Ok(copy)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}

/// The errors since the page was opened, but for the browser's own notes on requests that were answered with one.
pub(crate) async fn errors(client: &Client) -> Result<Vec<String>, CmdError> {
    let seen = client.execute("return errorsSeen;", vec![]).await?;
    let seen = seen.as_array().into_iter().flatten();
    let mut errors: Vec<_> = seen.map(Value::to_string).collect();
    errors.extend(take_log(client).await?);
    Ok(errors)
}

/// The errors since it was last asked, in whatever page; of drivers that tell.
pub(crate) async fn take_log(client: &Client) -> Result<Vec<String>, CmdError> {
    if Engine::chosen() != Engine::Chromium {
        return Ok(Vec::new());
    }
    let entries = client.issue_cmd(Log).await?;
    let entries = entries.as_array().into_iter().flatten();
    let errors = entries
        .filter(|entry| entry["level"] == "SEVERE" && entry["source"] != "network")
        .map(|entry| entry["message"].to_string());
    Ok(errors.collect())
}

#[derive(Debug)]
struct Log;

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

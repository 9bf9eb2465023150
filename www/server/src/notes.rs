//! Notes: a small resource, so that there is something to read and to change.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::clock::now_ms;
use crate::database::Database;
use crate::failure::Failure;
use crate::session::Session;

/// Of one note, and of all of one user.
const LARGEST: usize = 64 * 1024;
const LARGEST_SHARE: usize = 8 * 1024 * 1024;

pub(crate) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/api/notes", get(list).post(create))
        .route("/api/notes/{id}", get(read).put(update).delete(remove))
}

/// The table of notes. A note of another user is treated as one that is not there.
pub(crate) struct Notes {
    database: Arc<Database>,
}

#[derive(Serialize)]
pub(crate) struct Note {
    id: i64,
    text: String,
    created_at: String,
}

impl Notes {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    fn of(&self, user: &str) -> rusqlite::Result<Vec<Note>> {
        self.database
            .lock()
            .prepare_cached(
                "SELECT id, text, created_at FROM notes WHERE user_id = ?1 ORDER BY id",
            )?
            .query_map([user], note)?
            .collect()
    }

    fn one(&self, user: &str, id: i64) -> rusqlite::Result<Option<Note>> {
        self.database
            .lock()
            .query_row(
                "SELECT id, text, created_at FROM notes WHERE user_id = ?1 AND id = ?2",
                params![user, id],
                note,
            )
            .optional()
    }

    /// How long all of them are together.
    fn size(&self, user: &str) -> rusqlite::Result<usize> {
        let size: i64 = self.database.lock().query_row(
            "SELECT coalesce(sum(length(text)), 0) FROM notes WHERE user_id = ?1",
            [user],
            |row| row.get(0),
        )?;
        Ok(usize::try_from(size).unwrap_or_default())
    }

    fn add(&self, user: &str, text: &str, now_ms: i64) -> rusqlite::Result<Note> {
        self.database.lock().query_row(
            "INSERT INTO notes (user_id, text, created_at) VALUES (?1, ?2, ?3) RETURNING id, text, created_at",
            params![user, text, now_ms],
            note,
        )
    }

    fn change(&self, user: &str, id: i64, text: &str) -> rusqlite::Result<Option<Note>> {
        self.database
            .lock()
            .query_row(
                "UPDATE notes SET text = ?3 WHERE user_id = ?1 AND id = ?2 RETURNING id, text, created_at",
                params![user, id, text],
                note,
            )
            .optional()
    }

    fn remove(&self, user: &str, id: i64) -> rusqlite::Result<bool> {
        let removed = self.database.lock().execute(
            "DELETE FROM notes WHERE user_id = ?1 AND id = ?2",
            params![user, id],
        )?;
        Ok(removed > 0)
    }
}

#[derive(Deserialize)]
struct Draft {
    text: String,
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
) -> Result<Json<Vec<Note>>, Failure> {
    let notes = backend.with_database(move |it| Ok(it.notes.of(&claims.sub)?));
    Ok(Json(notes.await?))
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<(StatusCode, Json<Note>), Failure> {
    let text = readable(draft)?;
    let note = backend.with_database(move |it| {
        if it.notes.size(&claims.sub)? + text.len() > LARGEST_SHARE {
            return Err(Failure::new(StatusCode::FORBIDDEN, "no_room"));
        }
        Ok(it.notes.add(&claims.sub, &text, now_ms())?)
    });
    Ok((StatusCode::CREATED, Json(note.await?)))
}

async fn read(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Note>, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    let note = backend.with_database(move |it| Ok(it.notes.one(&claims.sub, id)?));
    note.await?.map(Json).ok_or(Failure::NOT_FOUND)
}

async fn update(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    id: Result<Path<i64>, PathRejection>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Json<Note>, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    let text = readable(draft)?;
    let note = backend.with_database(move |it| {
        if it.notes.size(&claims.sub)? + text.len() > LARGEST_SHARE {
            return Err(Failure::new(StatusCode::FORBIDDEN, "no_room"));
        }
        Ok(it.notes.change(&claims.sub, id, &text)?)
    });
    note.await?.map(Json).ok_or(Failure::NOT_FOUND)
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    let removed = backend.with_database(move |it| Ok(it.notes.remove(&claims.sub, id)?));
    if !removed.await? {
        return Err(Failure::NOT_FOUND);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn readable(draft: Result<Json<Draft>, JsonRejection>) -> Result<String, Failure> {
    match draft {
        Ok(Json(draft)) if draft.text.len() <= LARGEST => Ok(draft.text),
        Ok(_) => Err(Failure::TOO_LARGE),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Failure::TOO_LARGE)
        }
        Err(_) => Err(Failure::BAD_REQUEST),
    }
}

fn note(row: &Row<'_>) -> rusqlite::Result<Note> {
    let created_at: i64 = row.get(2)?;
    let since_1970 = Duration::from_millis(created_at.unsigned_abs());
    Ok(Note {
        id: row.get(0)?,
        text: row.get(1)?,
        created_at: humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since_1970)
            .to_string(),
    })
}

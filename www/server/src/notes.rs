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
    Ok(Json(backend.notes.of(&claims.sub)?))
}

async fn create(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<(StatusCode, Json<Note>), Failure> {
    let Json(draft) = draft.map_err(|_| Failure::BAD_REQUEST)?;
    let note = backend.notes.add(&claims.sub, &draft.text, now_ms())?;
    Ok((StatusCode::CREATED, Json(note)))
}

async fn read(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Note>, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    let note = backend.notes.one(&claims.sub, id)?;
    note.map(Json).ok_or(Failure::NOT_FOUND)
}

async fn update(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    id: Result<Path<i64>, PathRejection>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Json<Note>, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    let Json(draft) = draft.map_err(|_| Failure::BAD_REQUEST)?;
    let note = backend.notes.change(&claims.sub, id, &draft.text)?;
    note.map(Json).ok_or(Failure::NOT_FOUND)
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Session(claims): Session,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    if !backend.notes.remove(&claims.sub, id)? {
        return Err(Failure::NOT_FOUND);
    }
    Ok(StatusCode::NO_CONTENT)
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

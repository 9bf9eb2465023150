//! Who may sign in.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use crate::database::Database;

/// The table of users.
pub(crate) struct Users {
    database: Arc<Database>,
}

/// A user, as the user may see it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
}

impl Users {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    pub(crate) fn by_id(&self, id: &str) -> rusqlite::Result<Option<User>> {
        self.database
            .lock()
            .query_row(
                "SELECT id, name, email FROM users WHERE id = ?1",
                [id],
                user,
            )
            .optional()
    }

    /// The user of that id or e-mail address, and the hash of the password.
    pub(crate) fn by_login(&self, login: &str) -> rusqlite::Result<Option<(User, String)>> {
        self.database
            .lock()
            .query_row(
                "SELECT id, name, email, password_hash FROM users WHERE id = ?1 OR email = ?1",
                [login],
                |row| Ok((user(row)?, row.get(3)?)),
            )
            .optional()
    }

    pub(crate) fn add_if_absent(
        &self,
        id: &str,
        email: &str,
        name: &str,
        password_hash: &str,
    ) -> rusqlite::Result<()> {
        self.database.lock().execute(
            "INSERT INTO users (id, email, name, password_hash) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![id, email, name, password_hash],
        )?;
        Ok(())
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
    })
}

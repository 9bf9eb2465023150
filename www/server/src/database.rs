//! The SQLite database: a file that survives a restart, or memory that does not.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

/// One connection behind a mutex.
///
/// Every statement here is a look-up by key and takes microseconds, so a thread that waits for the mutex is
/// cheaper than a pool of connections, which SQLite would let write only one at a time anyway. What matters
/// is that the guard is never held across an await.
pub(crate) struct Database {
    connection: Mutex<Connection>,
}

impl Database {
    pub(crate) fn in_memory() -> Result<Self, OpenError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        make_private_file(path)?;
        let connection = Connection::open(path)?;
        // Readers do not wait for a writer; `synchronous` stays FULL, for a rotation that a power cut undoes
        // leaves a browser with a token that nobody knows.
        connection.pragma_update(None, "journal_mode", "wal")?;
        Self::prepare(connection)
    }

    /// The connection. A panic elsewhere rolled its transaction back as it unwound: there is nothing to distrust.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret of that name, made up the first time it is asked for.
    pub(crate) fn secret(&self, name: &str) -> rusqlite::Result<Vec<u8>> {
        let connection = self.lock();
        let fresh: [u8; 32] = rand::random();
        connection.execute(
            "INSERT INTO secrets (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![name, fresh],
        )?;
        connection.query_row("SELECT value FROM secrets WHERE name = ?1", [name], |row| {
            row.get(0)
        })
    }

    fn prepare(connection: Connection) -> Result<Self, OpenError> {
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(include_str!("schema.sql"))?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// SQLite would make the file readable for everyone that the umask allows, and the signing key is in it.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

//! The SQLite database: a file that survives a restart, or memory that does not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long one statement waits for another process that writes.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// One connection behind a mutex.
///
/// Every statement here is a look-up by key and takes microseconds, so one connection is enough: SQLite would let several
/// write only one at a time anyway. But another process may hold its lock for seconds, so handlers never use it on the
/// threads that answer requests: see [`Database::turn`].
pub(crate) struct Database {
    connection: Mutex<Connection>,
    turns: Arc<Semaphore>,
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

    /// Whose turn it is to use the database, off the threads that answer requests. `None`: those before take too long, and
    /// to wait behind them would take as long again.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let turn = self.turns.clone().acquire_owned();
        timeout(PATIENCE, turn).await.ok()?.ok()
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
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(include_str!("schema.sql"))?;
        Ok(Self {
            connection: Mutex::new(connection),
            turns: Arc::new(Semaphore::new(1)),
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

/// SQLite would make the file readable for everyone that the umask allows, and the signing key is in it. One that is there
/// already, and the files that SQLite keeps beside it, are made private; if that cannot be, the start is refused.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    make_private(&file)?;
    for beside in ["-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        if let Ok(file) = std::fs::File::open(PathBuf::from(name)) {
            make_private(&file)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_private(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700))
}

#[cfg(not(unix))]
fn make_private(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

//! What the handlers share.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::uri::Scheme;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::access::AccessTokens;
use crate::attempts::Attempts;
use crate::clock::now_ms;
use crate::config::Config;
use crate::cookies::Cookies;
use crate::database::Database;
use crate::failure::Failure;
use crate::families::Families;
use crate::notes::Notes;
use crate::origin::Origin;
use crate::password::{HashingFailed, Passwords};
use crate::upload::Uploads;
use crate::users::Users;

/// The parts of the backend, behind one `Arc`.
pub(crate) struct Backend {
    pub(crate) users: Users,
    pub(crate) passwords: Passwords,
    pub(crate) families: Families,
    pub(crate) access: AccessTokens,
    pub(crate) cookies: Cookies,
    pub(crate) notes: Notes,
    pub(crate) attempts: Attempts,
    pub(crate) uploads: Uploads,
    pub(crate) sign_out_ends_token_only: bool,
    database: Arc<Database>,
    public_origin: Option<Origin>,
    scheme: Scheme,
    allowed_origins: Vec<Origin>,
}

/// The backend could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Password(#[from] HashingFailed),
}

impl Backend {
    pub(crate) async fn prepare(config: &Config, database: Database) -> Result<Self, PrepareError> {
        let database = Arc::new(database);
        let is_https = match &config.public_origin {
            Some(origin) => origin.is_https(),
            None => config.tls,
        };
        let scheme = if config.tls {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let backend = Self {
            users: Users::new(database.clone()),
            passwords: Passwords::new(),
            families: Families::new(database.clone(), config.refresh_ttl, config.leeway),
            // In the database, so that a restart ends no session.
            access: AccessTokens::new(&database.secret("access token key")?, config.access_ttl),
            cookies: Cookies::new(is_https, config.refresh_ttl),
            notes: Notes::new(database.clone()),
            attempts: Attempts::default(),
            uploads: Uploads::default(),
            database,
            public_origin: config.public_origin.clone(),
            sign_out_ends_token_only: config.sign_out_ends_token_only,
            scheme,
            allowed_origins: config.allow_origin.clone(),
        };
        backend.families.forget_expired(now_ms())?;
        backend.add_demo_users().await?;
        Ok(backend)
    }

    /// Does what needs the database, off the threads that answer requests: another process may hold its lock for a while,
    /// and that is to harm nobody who needs none of it.
    pub(crate) async fn with_database<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = self.database.turn().await.ok_or(Failure::BUSY)?;
        let backend = self.clone();
        let done = spawn_blocking(move || {
            let _turn = turn;
            work(&backend)
        });
        done.await.map_err(Failure::internal)?
    }

    /// Deletes what nobody will ask for any more, now and then, for as long as the server runs.
    pub(crate) async fn sweep(self: Arc<Self>, every: Duration) {
        loop {
            sleep(every).await;
            // What could not be deleted now is deleted the next time.
            let _ = self
                .with_database(|backend| Ok(backend.families.forget_expired(now_ms())?))
                .await;
        }
    }

    pub(crate) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// What browsers have as this server's origin, if that was said.
    pub(crate) fn public_origin(&self) -> Option<&Origin> {
        self.public_origin.as_ref()
    }

    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        self.allowed_origins
            .iter()
            .any(|allowed| allowed.header_value() == origin)
    }

    pub(crate) fn allowed_origins(&self) -> impl Iterator<Item = HeaderValue> {
        self.allowed_origins
            .iter()
            .map(|allowed| allowed.header_value().clone())
    }

    /// Two, so that it can be seen who is signed in.
    async fn add_demo_users(&self) -> Result<(), PrepareError> {
        for (id, name, password) in [
            ("ada", "Ada Lovelace", "correct horse"),
            ("grace", "Grace Hopper", "battery staple"),
        ] {
            if self.users.by_id(id)?.is_none() {
                let hash = self.passwords.hash(password.to_owned()).await?;
                let email = format!("{id}@example.com");
                self.users.add_if_absent(id, &email, name, &hash)?;
            }
        }
        Ok(())
    }
}

/// A length of time as JSON: seconds, whole ones where they are.
pub(crate) fn seconds_json(duration: Duration) -> serde_json::Value {
    if duration.subsec_nanos() == 0 {
        duration.as_secs().into()
    } else {
        duration.as_secs_f64().into()
    }
}

//! Passwords: Argon2id, with the parameters that OWASP recommends (the library's defaults: 19 MiB, 2 passes).

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Checks passwords, as many at a time as there are processors: each takes 19 MiB, and more would only wait.
pub(crate) struct Passwords {
    at_once: Arc<Semaphore>,
}

/// The password could not be hashed, for want of memory or of randomness.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub(crate) struct HashingFailed;

impl Passwords {
    pub(crate) fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            at_once: Arc::new(Semaphore::new(processors)),
        }
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, HashingFailed> {
        self.off_the_event_loop(move || hash(&password)).await?
    }

    /// Whether the password is the one that was hashed.
    ///
    /// With no hash, for there is no such user, the answer is no after the same work: the time that it takes
    /// must not tell who has an account.
    pub(crate) async fn check(
        &self,
        password: String,
        hash_of_it: Option<String>,
    ) -> Result<bool, HashingFailed> {
        self.off_the_event_loop(move || match hash_of_it {
            Some(known) => {
                let known = PasswordHash::new(&known).map_err(|_| HashingFailed)?;
                Ok(Argon2::default()
                    .verify_password(password.as_bytes(), &known)
                    .is_ok())
            }
            None => hash(&password).map(|_| false),
        })
        .await?
    }

    async fn off_the_event_loop<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingFailed> {
        // The permit goes along: a caller who leaves does not stop the work.
        let permit = self.at_once.clone().acquire_owned().await;
        spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| HashingFailed)
    }
}

fn hash(password: &str) -> Result<String, HashingFailed> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash: PasswordHash| hash.to_string())
        .map_err(|_| HashingFailed)
}

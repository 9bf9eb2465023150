//! Refresh tokens, their rotation, and the detection of reuse (RFC 9700, section 4.14.2).
//!
//! Every sign-in starts a family. A refresh consumes the token that it is given and issues another one of the same
//! family, so that at any time the browser holds the only token that is good. A thief who copies it has to use it
//! before the browser or after: either way a consumed token is presented, and that ends the whole family.
//!
//! A consumed token is presented without any theft, too:
//! - *the answer was lost.* The browser never saw the new token, or the connection broke and the browser sent the
//!   POST again by itself (Chromium does, on a reused connection that is reset). Such a repeat carries the
//!   `Idempotency-Key` that the token was consumed with, and gets the very token that it missed, until that one has
//!   been used. Whoever knows both the token and the key has seen the whole request, and could have raced it to begin
//!   with: this opens no door that was shut, and the family still ends when two parties use the one new token.
//! - *two tabs raced.* Both sent the same token; the loser is a moment late. For that there is the leeway, in which
//!   whoever presents the token gets the very token that the winner got, or what has come of that one since. So there is
//!   no second branch that could live on beside the first: a thief who comes within the leeway holds what the browser holds,
//!   and the next time that one of them is behind by more than the leeway, the family ends. Keep it to seconds, or at zero.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use crate::clock::ms;
use crate::database::Database;
use crate::idempotency_key::IdempotencyKey;
use crate::refresh_token::{RefreshToken, Salt, TokenHash};

/// The families of all users.
pub(crate) struct Families {
    database: Arc<Database>,
    ttl_ms: i64,
    leeway_ms: i64,
}

/// A refresh token, as it is handed to a browser.
pub(crate) struct Issued {
    pub(crate) user: String,
    pub(crate) family: String,
    pub(crate) token: RefreshToken,
    /// This very token had been issued before, for the same request.
    pub(crate) repeated: bool,
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotationError {
    #[error("no such refresh token")]
    Unknown,
    #[error("the refresh token has expired")]
    Expired,
    #[error("the session has been ended")]
    Revoked,
    /// A consumed token came back: the family has been revoked.
    #[error("the refresh token had been used before")]
    Reused { family: String },
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

impl Families {
    pub(crate) fn new(database: Arc<Database>, ttl: Duration, leeway: Duration) -> Self {
        Self {
            database,
            ttl_ms: ms(ttl),
            leeway_ms: ms(leeway),
        }
    }

    /// A new family, for a user who has just signed in.
    pub(crate) fn start(&self, user: &str, now_ms: i64) -> rusqlite::Result<Issued> {
        let family = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let token = RefreshToken::random();
        let mut connection = self.database.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO families (id, user_id) VALUES (?1, ?2)",
            params![family, user],
        )?;
        self.insert(&transaction, &family, &token, None, now_ms)?;
        transaction.commit()?;
        Ok(Issued {
            user: user.to_owned(),
            family,
            token,
            repeated: false,
        })
    }

    /// Consumes a token and issues the next one.
    ///
    /// It is one transaction that writes from its start, so that of two requests with one token the second sees all
    /// that the first did.
    pub(crate) fn rotate(
        &self,
        presented: &RefreshToken,
        key: Option<&IdempotencyKey>,
        now_ms: i64,
    ) -> Result<Issued, RotationError> {
        let mut connection = self.database.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = find(&transaction, presented)?.ok_or(RotationError::Unknown)?;
        if known.revoked {
            return Err(RotationError::Revoked);
        }
        let Some(consumed_at) = known.consumed_at else {
            if known.expires_at <= now_ms {
                return Err(RotationError::Expired);
            }
            let salt: Salt = rand::random();
            let token = presented.successor(&salt);
            transaction.execute(
                "UPDATE refresh_tokens SET consumed_at = ?2 WHERE hash = ?1",
                params![presented.hash(), now_ms],
            )?;
            self.insert(
                &transaction,
                &known.family,
                &token,
                Some((presented, &salt)),
                now_ms,
            )?;
            remember(&transaction, presented, key)?;
            transaction.commit()?;
            return Ok(known.issue(token, false));
        };
        let successor = successor(&transaction, presented)?;
        if let Some((token, None)) = &successor
            && is_remembered(&transaction, presented, key)?
        {
            return Ok(known.issue(token.clone(), true));
        }
        // Should the clock have been set back, a token counts as just consumed.
        let is_recent =
            |consumed_at: i64| now_ms.saturating_sub(consumed_at).max(0) < self.leeway_ms;
        let mut latest = successor.filter(|_| is_recent(consumed_at));
        while let Some((token, Some(consumed_at))) = latest {
            latest = match is_recent(consumed_at) {
                true => self::successor(&transaction, &token)?,
                false => None,
            };
        }
        let Some((token, _)) = latest else {
            revoke(&transaction, &known.family, now_ms)?;
            transaction.commit()?;
            return Err(RotationError::Reused {
                family: known.family,
            });
        };
        remember(&transaction, presented, key)?;
        transaction.commit()?;
        Ok(known.issue(token, false))
    }

    /// Ends a session: none of its refresh tokens is good any more. Tells whether it had not ended before.
    pub(crate) fn revoke(&self, family: &str, now_ms: i64) -> rusqlite::Result<bool> {
        revoke(&self.database.lock(), family, now_ms)
    }

    /// Ends the session that a refresh token belongs to, be the token consumed or expired. Tells whether it had not
    /// ended before.
    pub(crate) fn revoke_by_token(
        &self,
        presented: &RefreshToken,
        now_ms: i64,
    ) -> rusqlite::Result<bool> {
        let revoked = self.database.lock().execute(
            "UPDATE families SET revoked_at = ?2 WHERE revoked_at IS NULL
             AND id = (SELECT family_id FROM refresh_tokens WHERE hash = ?1)",
            params![presented.hash(), now_ms],
        )?;
        Ok(revoked > 0)
    }

    /// Ends a refresh token and nothing else: not those that replaced it. Tells whether there was one.
    pub(crate) fn end_token(&self, presented: &RefreshToken) -> rusqlite::Result<bool> {
        let deleted = self.database.lock().execute(
            "DELETE FROM refresh_tokens WHERE hash = ?1",
            [presented.hash()],
        )?;
        Ok(deleted > 0)
    }

    /// Forgets tokens that expired so long ago that nobody will present them, also those of families that live on, and
    /// families that have none left.
    pub(crate) fn forget_expired(&self, now_ms: i64) -> rusqlite::Result<()> {
        let connection = self.database.lock();
        let long_ago = now_ms.saturating_sub(self.ttl_ms);
        connection.execute(
            "DELETE FROM refresh_tokens WHERE expires_at <= ?1",
            [long_ago],
        )?;
        connection.execute(
            "DELETE FROM families WHERE NOT EXISTS
             (SELECT 1 FROM refresh_tokens WHERE family_id = families.id)",
            [],
        )?;
        connection.execute(
            "DELETE FROM idempotency_keys WHERE NOT EXISTS
             (SELECT 1 FROM refresh_tokens WHERE hash = idempotency_keys.token)",
            [],
        )?;
        Ok(())
    }

    fn insert(
        &self,
        transaction: &Transaction<'_>,
        family: &str,
        token: &RefreshToken,
        origin: Option<(&RefreshToken, &Salt)>,
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        transaction.execute(
            "INSERT INTO refresh_tokens (hash, family_id, expires_at, parent, salt)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                token.hash(),
                family,
                now_ms.saturating_add(self.ttl_ms),
                origin.map(|(parent, _)| parent.hash()),
                origin.map(|(_, salt)| salt),
            ],
        )?;
        Ok(())
    }
}

/// What is known of a presented token.
struct Known {
    user: String,
    family: String,
    revoked: bool,
    expires_at: i64,
    consumed_at: Option<i64>,
}

impl Known {
    fn issue(self, token: RefreshToken, repeated: bool) -> Issued {
        Issued {
            user: self.user,
            family: self.family,
            token,
            repeated,
        }
    }
}

fn find(
    transaction: &Transaction<'_>,
    presented: &RefreshToken,
) -> rusqlite::Result<Option<Known>> {
    transaction
        .query_row(
            "SELECT user_id, family_id, revoked_at IS NOT NULL, expires_at, consumed_at
             FROM refresh_tokens JOIN families ON families.id = family_id WHERE hash = ?1",
            [presented.hash()],
            |row| {
                Ok(Known {
                    user: row.get(0)?,
                    family: row.get(1)?,
                    revoked: row.get(2)?,
                    expires_at: row.get(3)?,
                    consumed_at: row.get(4)?,
                })
            },
        )
        .optional()
}

/// The token that a consumed one was exchanged for, and when that was consumed in its turn. It is kept nowhere: only who
/// presents the one can have the other made again.
fn successor(
    transaction: &Transaction<'_>,
    consumed: &RefreshToken,
) -> rusqlite::Result<Option<(RefreshToken, Option<i64>)>> {
    let kept: Option<(TokenHash, Salt, Option<i64>)> = transaction
        .query_row(
            "SELECT hash, salt, consumed_at FROM refresh_tokens
             WHERE parent = ?1 AND salt IS NOT NULL ORDER BY rowid DESC",
            [consumed.hash()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    Ok(kept
        .map(|(hash, salt, consumed_at)| (hash, consumed.successor(&salt), consumed_at))
        .filter(|(hash, token, _)| token.hash() == *hash)
        .map(|(_, token, consumed_at)| (token, consumed_at)))
}

/// Notes that the token was presented under that key.
fn remember(
    transaction: &Transaction<'_>,
    presented: &RefreshToken,
    key: Option<&IdempotencyKey>,
) -> rusqlite::Result<()> {
    if let Some(key) = key {
        transaction.execute(
            "INSERT INTO idempotency_keys (token, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![presented.hash(), key.hash()],
        )?;
    }
    Ok(())
}

/// Whether the token was presented under that key before. A key is worth nothing with another token.
fn is_remembered(
    transaction: &Transaction<'_>,
    presented: &RefreshToken,
    key: Option<&IdempotencyKey>,
) -> rusqlite::Result<bool> {
    let Some(key) = key else { return Ok(false) };
    transaction
        .prepare_cached("SELECT 1 FROM idempotency_keys WHERE token = ?1 AND key = ?2")?
        .exists(params![presented.hash(), key.hash()])
}

fn revoke(connection: &rusqlite::Connection, family: &str, now_ms: i64) -> rusqlite::Result<bool> {
    let revoked = connection.execute(
        "UPDATE families SET revoked_at = ?2 WHERE revoked_at IS NULL AND id = ?1",
        params![family, now_ms],
    )?;
    Ok(revoked > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::users::Users;

    const TTL: i64 = 60_000;
    const LEEWAY: i64 = 10_000;

    fn families(leeway_ms: u64) -> Families {
        let database = Arc::new(Database::in_memory().unwrap());
        Users::new(database.clone())
            .add_if_absent("ada", "ada@example.com", "Ada", "no hash")
            .unwrap();
        Families::new(
            database,
            Duration::from_millis(TTL.unsigned_abs()),
            Duration::from_millis(leeway_ms),
        )
    }

    fn strict() -> Families {
        families(0)
    }

    fn lenient() -> Families {
        families(LEEWAY.unsigned_abs())
    }

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::for_test(text)
    }

    #[test]
    fn a_token_expires_to_the_millisecond() {
        let families = strict();
        let first = families.start("ada", 0).unwrap().token;
        assert!(matches!(
            families.rotate(&first, None, TTL),
            Err(RotationError::Expired)
        ));
        assert!(families.rotate(&first, None, TTL - 1).is_ok());
    }

    #[test]
    fn the_leeway_ends_to_the_millisecond_and_counts_from_the_first_use() {
        let families = lenient();
        let first = families.start("ada", 0).unwrap().token;
        families.rotate(&first, None, 1000).unwrap();
        families.rotate(&first, None, 5000).unwrap();
        families.rotate(&first, None, 1000 + LEEWAY - 1).unwrap();
        assert!(matches!(
            families.rotate(&first, None, 1000 + LEEWAY),
            Err(RotationError::Reused { .. })
        ));
    }

    #[test]
    fn all_who_present_a_consumed_token_within_the_leeway_get_the_same_successor() {
        let families = lenient();
        let first = families.start("ada", 0).unwrap().token;
        let winner = families.rotate(&first, None, 1).unwrap().token;
        let loser = families.rotate(&first, None, 2).unwrap().token;
        assert!(winner == loser);
        // The winner goes on at once, and a third comes late: it gets what the winner has now.
        let next = families.rotate(&winner, None, 3).unwrap().token;
        assert!(families.rotate(&first, None, 4).unwrap().token == next);
    }

    #[test]
    fn a_thief_within_the_leeway_has_no_branch_of_its_own() {
        let families = lenient();
        let first = families.start("ada", 0).unwrap().token;
        let browsers = families.rotate(&first, None, 1).unwrap().token;
        let thiefs = families.rotate(&first, None, 2).unwrap().token;
        families.rotate(&thiefs, None, LEEWAY * 2).unwrap();
        assert!(matches!(
            families.rotate(&browsers, None, LEEWAY * 4),
            Err(RotationError::Reused { .. })
        ));
    }

    #[test]
    fn without_a_leeway_reuse_in_the_same_millisecond_ends_the_family() {
        let families = strict();
        let first = families.start("ada", 0).unwrap().token;
        let second = families.rotate(&first, None, 7).unwrap().token;
        assert!(matches!(
            families.rotate(&first, None, 7),
            Err(RotationError::Reused { .. })
        ));
        assert!(matches!(
            families.rotate(&second, None, 8),
            Err(RotationError::Revoked)
        ));
    }

    #[test]
    fn a_repeated_key_gets_the_same_token_until_that_one_is_consumed() {
        let families = strict();
        let first = families.start("ada", 0).unwrap().token;
        let second = families.rotate(&first, Some(&key("k")), 1).unwrap().token;
        let again = families.rotate(&first, Some(&key("k")), 50_000).unwrap();
        assert!(again.repeated && again.token == second);

        families.rotate(&second, Some(&key("l")), 50_001).unwrap();
        assert!(matches!(
            families.rotate(&first, Some(&key("k")), 50_002),
            Err(RotationError::Reused { .. })
        ));
    }

    #[test]
    fn another_key_or_none_is_reuse() {
        for stranger in [Some(key("other")), None] {
            let families = strict();
            let first = families.start("ada", 0).unwrap().token;
            families.rotate(&first, Some(&key("k")), 1).unwrap();
            assert!(matches!(
                families.rotate(&first, stranger.as_ref(), 2),
                Err(RotationError::Reused { .. })
            ));
        }
    }

    #[test]
    fn a_key_that_was_used_with_another_token_is_a_new_one() {
        let families = strict();
        let first = families.start("ada", 0).unwrap().token;
        let second = families.rotate(&first, Some(&key("k")), 1).unwrap().token;
        let third = families.rotate(&second, Some(&key("k")), 2).unwrap();
        assert!(!third.repeated && third.token != second);
    }

    #[test]
    fn the_loser_of_a_race_can_repeat_its_request_after_the_leeway() {
        let families = lenient();
        let first = families.start("ada", 0).unwrap().token;
        families.rotate(&first, Some(&key("winner")), 1).unwrap();
        let lost = families.rotate(&first, Some(&key("loser")), 2).unwrap();
        let again = families
            .rotate(&first, Some(&key("loser")), LEEWAY * 2)
            .unwrap();
        assert!(again.token == lost.token);
    }

    #[test]
    fn no_token_is_kept_in_clear() {
        let families = strict();
        let first = families.start("ada", 0).unwrap().token;
        let second = families.rotate(&first, Some(&key("k")), 1).unwrap().token;
        let connection = families.database.lock();
        let rows: Vec<Vec<Option<Vec<u8>>>> = connection
            .prepare("SELECT hash, parent, salt, NULL FROM refresh_tokens")
            .unwrap()
            .query_map([], |row| (0..4).map(|column| row.get(column)).collect())
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(rows.len(), 2);
        for value in rows.into_iter().flatten().flatten() {
            let kept = BASE64_URL_SAFE_NO_PAD.encode(&value);
            assert!(kept != first.reveal() && kept != second.reveal());
        }
    }

    #[test]
    fn only_families_of_expired_tokens_are_forgotten() {
        let families = strict();
        let old = families.start("ada", 0).unwrap().token;
        let young = families.start("ada", TTL).unwrap().token;
        families.forget_expired(TTL * 2).unwrap();
        assert!(matches!(
            families.rotate(&old, None, TTL),
            Err(RotationError::Unknown)
        ));
        assert!(families.rotate(&young, None, TTL + 1).is_ok());
    }

    #[test]
    fn consumed_tokens_of_a_family_that_lives_on_are_forgotten_when_they_have_expired() {
        let families = strict();
        let mut token = families.start("ada", 0).unwrap().token;
        for day in 1..=365 {
            let now = day * TTL / 2;
            token = families.rotate(&token, Some(&key("k")), now).unwrap().token;
            families.forget_expired(now).unwrap();
        }
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            families
                .database
                .lock()
                .query_row(&sql, [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(count("refresh_tokens"), 4);
        assert_eq!(count("idempotency_keys"), 3);
        assert!(families.rotate(&token, None, 366 * TTL / 2).is_ok());
    }
}

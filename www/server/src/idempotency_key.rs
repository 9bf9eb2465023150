//! The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header).

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

/// Chosen by the client, new for each refresh and the same each time that refresh is sent again. To us it is opaque.
pub(crate) struct IdempotencyKey(Vec<u8>);

impl IdempotencyKey {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get("idempotency-key")?;
        (!value.is_empty()).then(|| Self(value.as_bytes().to_vec()))
    }

    /// For the database, which need not know the key to know it again.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    #[cfg(test)]
    pub(crate) fn for_test(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

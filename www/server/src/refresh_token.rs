//! A refresh token: 256 random bits, known in clear to the browser alone.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What the browser keeps. It has no `Debug` and no `Display`, so that no log line can hold it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken(String);

/// What the database keeps. A plain hash is enough: nobody guesses 256 random bits.
pub(crate) type TokenHash = [u8; 32];

/// What a derived token was derived with, of no use without the token that it replaced.
pub(crate) type Salt = [u8; 32];

impl RefreshToken {
    pub(crate) fn random() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
    }

    /// As the browser sends it, genuine or not.
    pub(crate) fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The token that replaces this one.
    ///
    /// Who presents this one again, because the answer was lost or two tabs raced, must get the same token again, yet no
    /// token may be kept in clear. So it is not kept at all: who presents the old token brings what the new one is made of.
    pub(crate) fn successor(&self, salt: &Salt) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "RFC 2104 defines HMAC for a key of any length"
        )]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("any length");
        mac.update(salt);
        Self(BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    pub(crate) fn hash(&self) -> TokenHash {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// For the cookie.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

//! Access tokens: short-lived JWTs that are checked without a look-up.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

/// Signs access tokens and checks them.
///
/// Being stateless has a price, which is why they are short-lived: a token handed out before a sign-out is good
/// until it expires.
pub(crate) struct AccessTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    ttl: Duration,
}

/// What an access token says. Times are a JWT's NumericDate: seconds, and fractions of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    /// The user.
    pub(crate) sub: String,
    /// The session: the family of refresh tokens that this token was issued beside.
    pub(crate) sid: String,
    /// Issued at.
    pub(crate) iat: f64,
    /// Expires at.
    pub(crate) exp: f64,
}

/// Why an access token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessError {
    /// It was, once.
    Expired,
    /// It is not one of ours.
    Invalid,
}

impl AccessTokens {
    pub(crate) fn new(key: &[u8], ttl: Duration) -> Self {
        // One algorithm, so that no token can choose its own (RFC 8725, section 3.1).
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is checked below: the library counts in whole seconds, and allows a minute beyond.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self {
            signing: EncodingKey::from_secret(key),
            checking: DecodingKey::from_secret(key),
            validation,
            ttl,
        }
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    pub(crate) fn issue(
        &self,
        user: &str,
        session: &str,
        now_ms: i64,
    ) -> jsonwebtoken::errors::Result<String> {
        let iat = seconds(now_ms);
        self.sign(&Claims {
            sub: user.to_owned(),
            sid: session.to_owned(),
            iat,
            exp: iat + self.ttl.as_secs_f64(),
        })
    }

    pub(crate) fn sign(&self, claims: &Claims) -> jsonwebtoken::errors::Result<String> {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing)
    }

    /// The claims of a token that is ours and has not expired.
    pub(crate) fn check(&self, token: &str, now_ms: i64) -> Result<Claims, AccessError> {
        let claims = self.open(token)?;
        if claims.exp <= seconds(now_ms) {
            return Err(AccessError::Expired);
        }
        Ok(claims)
    }

    /// The claims of a token that is ours, expired or not: enough to end a session, never to use it.
    pub(crate) fn open(&self, token: &str) -> Result<Claims, AccessError> {
        decode::<Claims>(token, &self.checking, &self.validation)
            .map(|token| token.claims)
            .map_err(|_| AccessError::Invalid)
    }
}

/// A JWT's NumericDate.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are exact in a double for another 285,000 years"
)]
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_123;

    fn tokens() -> AccessTokens {
        AccessTokens::new(b"a key of this test", Duration::from_millis(1500))
    }

    #[test]
    fn a_token_is_good_to_the_millisecond_and_no_longer() -> Result<(), jsonwebtoken::errors::Error>
    {
        let token = tokens().issue("ada", "s", NOW)?;
        assert!(tokens().check(&token, NOW + 1499).is_ok());
        assert_eq!(
            tokens().check(&token, NOW + 1500).err(),
            Some(AccessError::Expired)
        );
        Ok(())
    }

    #[test]
    fn an_expired_token_still_says_whose_it_was() -> Result<(), jsonwebtoken::errors::Error> {
        let token = tokens().issue("ada", "s", 0)?;
        assert_eq!(
            tokens().open(&token).map(|claims| claims.sid).as_deref(),
            Ok("s")
        );
        Ok(())
    }

    #[test]
    fn a_token_signed_with_another_key_is_invalid() -> Result<(), jsonwebtoken::errors::Error> {
        let foreign = AccessTokens::new(b"another key", Duration::from_secs(60));
        let token = foreign.issue("ada", "s", NOW)?;
        assert_eq!(
            tokens().check(&token, NOW).err(),
            Some(AccessError::Invalid)
        );
        Ok(())
    }

    #[test]
    fn a_token_that_names_no_algorithm_is_invalid() {
        // {"alg":"none"} . {"sub":"ada","sid":"s","iat":0,"exp":9e9} . no signature
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJzaWQiOiJzIiwiaWF0IjowLCJleHAiOjllOX0.";
        assert_eq!(tokens().check(token, NOW).err(), Some(AccessError::Invalid));
    }
}

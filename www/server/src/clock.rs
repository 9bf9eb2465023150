//! The time of day, as it is kept in the database: milliseconds since 1970.

use std::time::{Duration, SystemTime};

/// Read where a request comes in, and an argument everywhere else, so that tests can choose it.
pub(crate) fn now_ms() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    ms(since_1970)
}

/// A length of time in milliseconds.
pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

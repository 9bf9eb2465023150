//! How often a password may be tried: a limit for each account and address, so that nobody can guess, and nobody can keep the
//! processors so busy with guesses that an honest sign-in waits.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A failure counts for so long.
const WINDOW: Duration = Duration::from_secs(60);
/// At one account from one address.
const MOST: usize = 10;
/// At any account from one address.
const MOST_OF_ADDRESS: usize = 50;
/// At one account from anywhere.
const MOST_OF_ACCOUNT: usize = 100;

/// The attempts of the last minute that were not successes, those under way included.
#[derive(Default)]
pub(crate) struct Attempts {
    list: Mutex<Vec<Attempt>>,
}

/// An attempt to sign in that is under way, or has failed.
#[derive(Clone, PartialEq)]
pub(crate) struct Attempt {
    account: String,
    address: Option<IpAddr>,
    at: Instant,
}

impl Attempts {
    /// Notes an attempt. An error is after how many seconds it may be made.
    pub(crate) fn begin(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<Attempt, u32> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|attempt| now.saturating_duration_since(attempt.at) < WINDOW);
        let account = account.to_lowercase();
        // Of both, of the address, of the account.
        for (most, by_account, by_address) in [
            (MOST, true, true),
            (MOST_OF_ADDRESS, false, true),
            (MOST_OF_ACCOUNT, true, false),
        ] {
            let mut counted = list.iter().filter(|it| {
                (!by_account || it.account == account) && (!by_address || it.address == address)
            });
            if let Some(first) = counted.next()
                && counted.count() + 1 >= most
            {
                let left = WINDOW.saturating_sub(now.saturating_duration_since(first.at));
                return Err(u32::try_from(left.as_secs()).unwrap_or(60) + 1);
            }
        }
        let attempt = Attempt {
            account,
            address,
            at: now,
        };
        list.push(attempt.clone());
        Ok(attempt)
    }

    /// It was a success.
    pub(crate) fn forget(&self, attempt: Attempt) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = list.iter().position(|it| *it == attempt) {
            list.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn failures_at_one_account_from_one_address_are_limited_and_other_accounts_are_not() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..MOST {
            attempts.begin("ada", address(1), now).ok().unwrap();
        }
        assert_eq!(attempts.begin("ADA", address(1), now).err(), Some(61));
        assert!(attempts.begin("ada", address(2), now).is_ok());
        assert!(attempts.begin("grace", address(1), now).is_ok());
        assert!(attempts.begin("ada", address(1), now + WINDOW).is_ok());
    }

    #[test]
    fn successes_are_not_counted() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..MOST * 10 {
            let attempt = attempts.begin("ada", address(1), now).ok().unwrap();
            attempts.forget(attempt);
        }
    }

    #[test]
    fn one_address_cannot_try_any_number_of_accounts_nor_any_number_of_addresses_one_account() {
        let attempts = Attempts::default();
        let now = Instant::now();
        let tried = (0..200).filter(|n| attempts.begin(&n.to_string(), address(1), now).is_ok());
        assert_eq!(tried.count(), MOST_OF_ADDRESS);
        let tried = (0..200).filter(|n| attempts.begin("ada", address(*n), now).is_ok());
        assert_eq!(tried.count(), MOST_OF_ACCOUNT);
    }
}

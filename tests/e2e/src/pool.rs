//! Browsers, which start slowly and so serve one test after another.

use std::mem::take;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::browser::{Browser, Mode};

/// However many tests run at once, a machine has only so much room for browsers.
static PLACES: Semaphore = Semaphore::const_new(3);

static POOL: Mutex<Pool> = Mutex::new(Pool {
    idle: Vec::new(),
    users: 0,
});

/// What it is for. WebKit loses clicks in a browser that has had several windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Page,
    Tabs,
}

/// A browser for one test, with nothing in it but a blank window.
///
/// It goes back when it is dropped, for the next test of its kind; the last one to go closes all. What tests leave behind
/// in it (cookies, storage, workers) belongs to the hosts of their servers, and no two tests have the same.
pub(crate) struct Pooled {
    /// Nothing but while it is dropped.
    browser: Option<Browser>,
    kind: (Kind, Mode),
    _user: User,
}

impl Pooled {
    pub(crate) async fn take(kind: Kind, mode: Mode) -> Self {
        let user = User::enter().await;
        let idle = pool().take((kind, mode));
        let browser = match idle {
            Some(mut browser) => {
                let cleared = browser.clear().await;
                cleared.unwrap_or_else(|error| {
                    panic!("a browser does not get back to a blank page: {error}")
                });
                browser
            }
            None => Browser::start(mode).await,
        };
        Self {
            browser: Some(browser),
            kind: (kind, mode),
            _user: user,
        }
    }
}

impl Deref for Pooled {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        self.browser.as_ref().expect("it is not dropped")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(browser) = self.browser.take()
            && !thread::panicking()
        {
            pool().idle.push((self.kind, browser));
        }
    }
}

struct Pool {
    idle: Vec<((Kind, Mode), Browser)>,
    users: usize,
}

impl Pool {
    fn take(&mut self, kind: (Kind, Mode)) -> Option<Browser> {
        let index = self.idle.iter().position(|(other, _)| *other == kind)?;
        Some(self.idle.swap_remove(index).1)
    }
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A test that has a browser, or waits for one.
struct User(Option<SemaphorePermit<'static>>);

impl User {
    async fn enter() -> Self {
        pool().users += 1;
        let mut user = Self(None);
        user.0 = Some(PLACES.acquire().await.expect("it is never closed"));
        user
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let mut pool = pool();
        pool.users -= 1;
        // Nothing runs after the last test, so it has to be now.
        let last = pool.users == 0;
        let idle = if last {
            take(&mut pool.idle)
        } else {
            Vec::new()
        };
        drop(pool);
        drop(idle);
    }
}

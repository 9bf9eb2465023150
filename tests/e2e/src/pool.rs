//! Browsers, which start slowly and so serve one test after another.

use std::mem::take;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::block_in_place;

use crate::driver::Driver;
use crate::engine::Engine;

/// However many tests run at once, a machine has only so much room for browsers.
static PLACES: Semaphore = Semaphore::const_new(3);

static POOL: Mutex<Pool> = Mutex::new(Pool {
    idle: Vec::new(),
    users: 0,
});

/// Every test has a runtime of its own, which ends with it; what talks to browsers goes on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a thread can be started")
});

/// A browser for one test, with nothing in it but a blank window.
///
/// It goes back when it is dropped, for the next test; the last one to go closes all. What tests leave behind in it
/// (cookies, storage, workers) belongs to the hosts of their servers, and no two tests have the same.
pub(crate) struct Pooled {
    /// Nothing but while it is dropped.
    running: Option<Running>,
    _user: User,
}

impl Pooled {
    pub(crate) async fn take() -> Self {
        let user = User::enter().await;
        let idle = pool().idle.pop();
        let running = match idle {
            Some(running) => running,
            None => Running::start().await,
        };
        running
            .clear()
            .await
            .unwrap_or_else(|error| panic!("a browser does not get back to a blank page: {error}"));
        Self {
            running: Some(running),
            _user: user,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        let running = self.running.as_ref();
        &running.expect("it is not dropped").client
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if thread::panicking() {
            running.close();
        } else {
            pool().idle.push(running);
        }
    }
}

struct Pool {
    idle: Vec<Running>,
    users: usize,
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
        idle.into_iter().for_each(Running::close);
    }
}

struct Running {
    client: Client,
    _driver: Driver,
}

impl Running {
    async fn start() -> Self {
        let engine = Engine::chosen();
        let driver = Driver::start(engine);
        let address = driver.address();
        let client = RUNTIME.spawn(async move {
            ClientBuilder::new(HttpConnector::new())
                .capabilities(engine.capabilities())
                .connect(&address)
                .await
        });
        let client = client.await.expect("it does not panic");
        Self {
            client: client.unwrap_or_else(|error| panic!("no browser: {error}")),
            _driver: driver,
        }
    }

    /// One new window in place of all others.
    async fn clear(&self) -> Result<(), CmdError> {
        let client = &self.client;
        let old = client.windows().await?;
        let new = client.new_window(Engine::chosen().shows_new_tab()).await?;
        for window in old {
            client.switch_to_window(window).await?;
            client.close_window().await?;
        }
        client.switch_to_window(new.handle).await
    }

    /// Waited for, and in a test that fails too: a browser that nobody closes outlives its driver.
    fn close(self) {
        let client = self.client.clone();
        let _ = block_in_place(|| Handle::current().block_on(client.close()));
    }
}

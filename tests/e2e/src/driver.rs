//! The program that drives browsers, shared by the pages of one test binary.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::engine::Engine;

static RUNNING: Mutex<Weak<Driver>> = Mutex::new(Weak::new());

/// Started by the first page, stopped with the last.
pub(crate) struct Driver {
    address: String,
    process: Child,
    /// Kept open: a driver that cannot write its output may end.
    output: BufReader<ChildStdout>,
}

impl Driver {
    pub(crate) fn running(engine: Engine) -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let driver = Arc::new(Self::start(engine));
            *running = Arc::downgrade(&driver);
            driver
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn start(engine: Engine) -> Self {
        let mut command = engine.driver();
        let mut process = command
            .stdout(Stdio::piped())
            // Browsers complain of what a container lacks.
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = process.stdout.take().expect("the output was asked for");
        let mut driver = Self {
            address: String::new(),
            process,
            output: BufReader::new(output),
        };
        let port = driver.port(engine);
        driver.address = format!("http://127.0.0.1:{port}");
        driver
    }

    fn port(&mut self, engine: Engine) -> u16 {
        let mut line = String::new();
        while matches!(self.output.read_line(&mut line), Ok(1..)) {
            if let Some(port) = engine.port(line.trim_end()) {
                return port;
            }
            line.clear();
        }
        panic!("the driver ended before it listened");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The program that drives a browser, and the screen of one that needs it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::iter::repeat_with;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::engine::Engine;

/// Stopped when it is dropped.
pub(crate) struct Driver {
    port: u16,
    _process: Process,
    _screen: Option<Process>,
}

impl Driver {
    pub(crate) fn start(engine: Engine) -> Self {
        let screen = engine.needs_screen().then(Screen::start);
        // Not every driver tells a port that it chose itself, and one that was free may be taken a moment later.
        for port in free_ports().take(5) {
            let mut command = engine.driver(port);
            if let Some(screen) = &screen {
                command.env("DISPLAY", &screen.name);
            }
            let mut process = Process::start(command.stdout(Stdio::null()));
            if process.is_ready(port) {
                return Self {
                    port,
                    _process: process,
                    _screen: screen.map(|screen| screen.process),
                };
            }
        }
        panic!("the driver of {engine:?} does not listen");
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A screen that nobody sees.
struct Screen {
    name: String,
    process: Process,
}

impl Screen {
    fn start() -> Self {
        let mut command = Command::new("Xvfb");
        command
            .args("-displayfd 1 -screen 0 1280x1024x24 -nolisten tcp".split(' '))
            .stdout(Stdio::piped());
        let mut process = Process::start(&mut command);
        let output = process.0.stdout.take().expect("the output was asked for");
        let mut number = String::new();
        match BufReader::new(output).read_line(&mut number) {
            Ok(1..) => Self {
                name: format!(":{}", number.trim_end()),
                process,
            },
            _ => panic!("Xvfb ended before it had a screen"),
        }
    }
}

struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        // Browsers complain of what a container lacks.
        let process = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(process.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }

    /// Waits until it answers; false if it has ended instead.
    fn is_ready(&mut self, port: u16) -> bool {
        while matches!(self.0.try_wait(), Ok(None)) {
            if answers(port).unwrap_or(false) {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a driver on this port has an answer. A connection alone would not tell: it succeeds too while a process that
/// another test has just started still holds what [`free_ports`] tried the port with.
///
/// See [Status](https://www.w3.org/TR/webdriver2/#status) in the standard.
fn answers(port: u16) -> io::Result<bool> {
    let mut driver = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    driver.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(
        driver,
        "GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )?;
    let mut line = String::new();
    BufReader::new(driver).read_line(&mut line)?;
    Ok(line.starts_with("HTTP/1.1 200 "))
}

/// Below those that a system gives to whoever asks for any: of these, one that is free now soon is not, and a
/// connection to it may even be answered by itself.
fn free_ports() -> impl Iterator<Item = u16> {
    let random = || RandomState::new().build_hasher().finish();
    repeat_with(move || 10_000 + (random() % 20_000) as u16)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

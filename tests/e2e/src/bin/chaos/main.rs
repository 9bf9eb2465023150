//! Chaos: tabs, requests, expiries, faults of the network and of the server, reloads, closings, sign-ins and sign-outs,
//! all at random, and the server's truth compared with what each page was told.
//!
//! A round is a pure function of its seed, and the rounds of a run have one seed after the other: so each can be played
//! again by itself. Only the timing is the machine's.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "to panic is how a round says that it cannot be played"
)]

mod agents;
mod plan;
mod round;
mod weather;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;

use crate::plan::Kind;
use crate::round::{Round, Wrong};
use crate::world::World;

#[derive(Parser)]
#[command(
    name = "chaos",
    about = "Play random rounds in a real browser, and compare what pages were told with the truth"
)]
struct Cli {
    /// How many rounds
    #[arg(long, default_value_t = 100)]
    rounds: u64,
    /// The seed of the first round; each one after it has the next
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many browsers play at the same time
    #[arg(long, default_value_t = 4)]
    browsers: u64,
    /// Tell what happened in each round, whether or not anything was wrong
    #[arg(long)]
    story: bool,
}

#[derive(Default)]
struct Tally {
    tells_all: bool,
    rounds: u64,
    /// Rounds that could not be played in the first browser.
    again: u64,
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    wrongs: BTreeMap<Wrong, u64>,
    /// What was wrong, said once more at the end, and what bears on it: a story is long.
    sentences: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let start = Instant::now();
    let tally = Arc::new(Mutex::new(Tally {
        tells_all: cli.story,
        ..Tally::default()
    }));
    let next = Arc::new(AtomicU64::new(cli.seed));
    let end = cli.seed + cli.rounds;
    let worlds: Vec<_> = (0..cli.browsers.min(cli.rounds))
        .map(|_| {
            let (tally, next) = (tally.clone(), next.clone());
            tokio::spawn(async move {
                let mut world = None;
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let mut played = play(world.take(), seed).await;
                    if played.is_none() {
                        // The browser or its driver has failed, and has said how. The round is played in another one, once.
                        tally.lock().unwrap_or_else(PoisonError::into_inner).again += 1;
                        played = play(None, seed).await;
                    }
                    let Some((there, round)) = played else { break };
                    world = Some(there);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.take(&round);
                }
            })
        })
        .collect();
    for world in worlds {
        // One that has failed twice has said how, and its rounds are missing.
        let _ = world.await;
    }
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.print(cli.seed, start.elapsed().as_secs_f64());
    if tally.wrongs.is_empty() && tally.rounds == cli.rounds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays the round of a seed in that world, or in a new one; `None` if it could not be played.
async fn play(world: Option<World>, seed: u64) -> Option<(World, Round)> {
    let playing = tokio::spawn(async move {
        let mut world = match world {
            Some(world) => world,
            None => World::new().await,
        };
        let round = world.play(seed).await;
        (world, round)
    });
    playing.await.ok()
}

impl Tally {
    fn take(&mut self, round: &Round) {
        self.rounds += 1;
        let mut count = |name, more| *self.counts.entry(name).or_default() += more;
        for call in round.calls.values() {
            match call.kind {
                Some(Kind::Get) => count("GET", 1),
                Some(Kind::Post(_)) => count("POST", 1),
                Some(Kind::SignIn(_)) => count("sign-ins", 1),
                Some(Kind::Form(_)) => count("sign-ins by a form", 1),
                Some(Kind::SignOut) => count("sign-outs", 1),
                None => {}
            }
        }
        count("requests", round.truth.requests);
        count("refreshes", round.truth.refreshes);
        count("expiries", round.expiries);
        count("reloads", round.reloads);
        count("closings", round.closings);
        for (fault, times) in &round.truth.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        let wrongs = round.judge();
        for (wrong, sentence) in &wrongs {
            *self.wrongs.entry(*wrong).or_default() += 1;
            let sentence = format!("chaos: seed {}: {wrong:?}: {sentence}", round.seed);
            eprintln!("{sentence}");
            self.sentences.push(sentence);
        }
        if !wrongs.is_empty() {
            self.sentences.push(round.digest());
        }
        if self.tells_all || !wrongs.is_empty() {
            let seed = round.seed;
            eprint!("{}", round.story());
            eprintln!("chaos: to play it again: cargo xtask chaos --rounds 1 --seed {seed}");
        }
    }

    fn print(&self, seed: u64, seconds: f64) {
        println!(
            "chaos: {} rounds from seed {seed} in {seconds:.0} s",
            self.rounds
        );
        if self.again > 0 {
            println!("  played again in another browser: {}", self.again);
        }
        println!("  {}", list(&self.counts));
        println!("  faults: {}", list(&self.faults));
        let wrongs = Wrong::ALL.map(|(wrong, name)| {
            let times = self.wrongs.get(&wrong).copied().unwrap_or(0);
            format!("{name} {times}")
        });
        println!("  {}", wrongs.join(", "));
        for sentence in &self.sentences {
            println!("{sentence}");
        }
    }
}

fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, times)| format!("{name} {times}"))
        .collect();
    counts.join(", ")
}

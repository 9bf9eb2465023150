//! The protocol between tabs, explored to the end: every order of events within the bounds of a configuration.

mod system;

use std::io::Write;

use stateright::{Checker, HasDiscoveries, Model as _, Property};

use system::{Breach, Budget, Model, Mutant, Step, System};

const TWO_TABS: Budget = Budget {
    calls: [1, 1, 0],
    ..NOTHING
};

const NOTHING: Budget = Budget {
    calls: [0; 3],
    delays: 0,
    expiries: 0,
    ends: 0,
    lost_requests: 0,
    lost_answers: 0,
    unheard: 0,
    server_errors: 0,
    lost_words: 0,
    deaths: 0,
    births: 0,
    freezes: 0,
    aborts: 0,
    sign_outs: 0,
    sign_ins: 0,
    sleeps: 0,
    jumps: 0,
    stale_reads: 0,
    absences: 0,
};

/// The strictest of servers: a consumed token ends the session, and a key means nothing to it.
const STRICT: Model = Model {
    name: "",
    tabs: 2,
    budget: TWO_TABS,
    knows_keys: false,
    lenient: false,
    locks: true,
    slow_locks: false,
    slow_answers: false,
    storage: [true; 3],
    channel: true,
    prompt: true,
    unchecked: &[],
    mutant: Mutant::None,
};

impl stateright::Model for Model {
    type State = System;
    type Action = Step;

    fn init_states(&self) -> Vec<System> {
        vec![self.start()]
    }

    fn actions(&self, system: &System, steps: &mut Vec<Step>) {
        self.steps(system, steps);
    }

    fn next_state(&self, system: &System, step: Step) -> Option<System> {
        Some(self.take(system, step))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("nothing that must not be", |_, system: &System| {
            system.breach.is_none()
        })]
    }
}

/// Explores all there is, says how much that was, and returns the shortest way to a breach, if there is one.
fn explore(model: Model) -> Option<(Breach, Vec<Step>)> {
    let (name, mutant) = (model.name, model.mutant);
    let start = std::time::Instant::now();
    let checker = model
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .timeout(std::time::Duration::from_secs(40))
        .spawn_bfs()
        .join();
    // Past the capture of the test runner: it is to be seen when all is well, too.
    let _ = writeln!(
        std::io::stderr(),
        "model: {name}, {mutant:?}: {} states, {} transitions, {} steps deep, {} ms",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        start.elapsed().as_millis(),
    );
    let path = checker.discoveries().into_values().next()?;
    let breach = path.last_state().breach?;
    Some((breach, path.into_actions()))
}

#[track_caller]
fn holds(model: Model) {
    if let Some((breach, steps)) = explore(model) {
        panic!("{breach:?} after {} steps: {steps:?}", steps.len());
    }
}

#[track_caller]
fn is_caught(model: Model, breaches: &[Breach]) {
    let name = model.name;
    let mutant = model.mutant;
    let found = explore(model).map(|(breach, _)| breach);
    assert!(
        found.is_some_and(|found| breaches.contains(&found)),
        "Breach: {name}, {mutant:?}: {found:?}"
    );
}

// What holds.

fn two_tabs() -> Model {
    Model {
        name: "two tabs",
        budget: Budget {
            calls: [2, 1, 0],
            expiries: 1,
            ..NOTHING
        },
        slow_locks: true,
        ..STRICT
    }
}

fn three_tabs() -> Model {
    Model {
        name: "three tabs",
        tabs: 3,
        budget: Budget {
            calls: [1, 1, 1],
            ..NOTHING
        },
        ..STRICT
    }
}

fn late_answers() -> Model {
    Model {
        name: "answers that are late",
        budget: Budget {
            calls: [2, 1, 0],
            expiries: 1,
            ..NOTHING
        },
        slow_answers: true,
        ..STRICT
    }
}

fn lost_words() -> Model {
    Model {
        name: "words that are lost",
        budget: Budget {
            calls: [1, 2, 0],
            expiries: 1,
            lost_words: 3,
            ..NOTHING
        },
        slow_locks: true,
        ..STRICT
    }
}

fn no_storage() -> Model {
    Model {
        name: "no storage for one",
        budget: Budget {
            calls: [2, 1, 0],
            expiries: 1,
            lost_words: 1,
            ..NOTHING
        },
        storage: [true, false, true],
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn stale_storage() -> Model {
    Model {
        name: "storage that is read stale",
        budget: Budget {
            calls: [2, 1, 0],
            expiries: 1,
            stale_reads: 2,
            lost_words: 1,
            ..NOTHING
        },
        slow_locks: true,
        // A second refresh, with the token of then: it harms nobody.
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn orphans() -> Model {
    Model {
        name: "pages that die and come up",
        budget: Budget {
            calls: [2, 1, 0],
            deaths: 1,
            births: 1,
            delays: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn orphans_unheard_of() -> Model {
    Model {
        name: "pages that die, and no channel",
        budget: Budget {
            calls: [2, 1, 0],
            deaths: 1,
            births: 1,
            delays: 1,
            ..NOTHING
        },
        channel: false,
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn lost_requests() -> Model {
    Model {
        name: "refreshes that are lost",
        budget: Budget {
            calls: [2, 1, 0],
            lost_requests: 1,
            unheard: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn lost_answers() -> Model {
    Model {
        name: "answers that are lost",
        budget: Budget {
            calls: [2, 1, 0],
            lost_answers: 1,
            ..NOTHING
        },
        knows_keys: true,
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn lost_answers_of_the_dead() -> Model {
    Model {
        name: "answers that are lost, and pages that die",
        budget: Budget {
            calls: [1, 1, 0],
            lost_answers: 1,
            deaths: 1,
            births: 1,
            ..NOTHING
        },
        knows_keys: true,
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn slow_refreshes() -> Model {
    Model {
        name: "refreshes that are overdue",
        budget: Budget {
            calls: [2, 1, 0],
            delays: 3,
            ..NOTHING
        },
        knows_keys: true,
        prompt: false,
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn server_errors() -> Model {
    Model {
        name: "a server that fails, and one that ends the session",
        budget: Budget {
            calls: [2, 1, 0],
            server_errors: 1,
            ends: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn sign_outs() -> Model {
    Model {
        name: "signing out and in",
        budget: Budget {
            calls: [1, 1, 0],
            sign_outs: 1,
            sign_ins: 1,
            ..NOTHING
        },
        ..STRICT
    }
}

fn frozen_tabs() -> Model {
    Model {
        name: "a tab that freezes",
        budget: Budget {
            calls: [2, 1, 0],
            freezes: 1,
            delays: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn clocks() -> Model {
    Model {
        name: "sleep, and a clock that is set",
        budget: Budget {
            calls: [2, 1, 0],
            sleeps: 1,
            jumps: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn aborts() -> Model {
    Model {
        name: "calls that are aborted",
        budget: Budget {
            calls: [2, 1, 0],
            aborts: 1,
            delays: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn absences() -> Model {
    Model {
        name: "a page in the back-forward cache",
        budget: Budget {
            calls: [2, 1, 0],
            absences: 1,
            ends: 1,
            sign_ins: 1,
            ..NOTHING
        },
        ..STRICT
    }
}

fn no_locks() -> Model {
    Model {
        name: "no locks",
        budget: Budget {
            calls: [2, 1, 0],
            expiries: 1,
            lost_words: 1,
            ..NOTHING
        },
        lenient: true,
        locks: false,
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn no_peers() -> Model {
    Model {
        name: "no locks, no channel, no storage",
        budget: Budget {
            calls: [2, 2, 0],
            expiries: 1,
            deaths: 1,
            births: 1,
            ..NOTHING
        },
        lenient: true,
        locks: false,
        channel: false,
        storage: [false; 3],
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

macro_rules! hold {
    ($($test:ident: $model:ident;)*) => {
        $(#[test] fn $test() { holds($model()); })*
    };
}

hold! {
    a1: two_tabs;
    a2: three_tabs;
    a3: late_answers;
    a4: lost_words;
    a5: no_storage;
    a6: stale_storage;
    a7: orphans;
    a8: orphans_unheard_of;
    a9: lost_requests;
    b1: lost_answers;
    b2: lost_answers_of_the_dead;
    b3: slow_refreshes;
    b4: server_errors;
    b5: sign_outs;
    b6: frozen_tabs;
    b7: clocks;
    b8: aborts;
    b9: absences;
    c1: no_locks;
    c2: no_peers;
}

// And what does not, where the core is broken.

#[test]
fn m1() {
    let mutant = Mutant::SkipsLock;
    is_caught(Model { mutant, ..two_tabs() }, &[Breach::TwoRefreshes, Breach::TokenReused]);
}
#[test]
fn m2() {
    let mutant = Mutant::SkipsLock;
    is_caught(Model { mutant, unchecked: &[Breach::TwoRefreshes, Breach::TokenReused], ..sign_outs() }, &[Breach::Revived]);
}
#[test]
fn m3() {
    let mutant = Mutant::ChecksNothingInLock;
    is_caught(Model { mutant, ..two_tabs() }, &[Breach::RefreshedForNothing]);
}
#[test]
fn m4() {
    let mutant = Mutant::ResendsBlindly;
    is_caught(Model { mutant, ..lost_requests() }, &[Breach::RefreshedBlindly]);
}
#[test]
fn m5() {
    let mutant = Mutant::IgnoresOrphans;
    is_caught(Model { mutant, ..orphans() }, &[Breach::TokenReused, Breach::TwoRefreshes]);
}
#[test]
fn m6() {
    let mutant = Mutant::LacksKeepalive;
    is_caught(Model { mutant, ..orphans() }, &[Breach::TokenReused]);
}
#[test]
fn m7() {
    let mutant = Mutant::ForgetsKey;
    is_caught(Model { mutant, ..lost_answers() }, &[Breach::TokenReused]);
}
#[test]
fn m8() {
    let mutant = Mutant::IgnoresAge;
    is_caught(Model { mutant, ..lost_words() }, &[]);
}

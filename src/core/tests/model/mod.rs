//! The protocol between tabs, explored to the end: every order of events within the bounds of a configuration.

mod system;

use std::io::Write;

use stateright::{Checker, HasDiscoveries, Model as _, Property};

use system::{Breach, Budget, Model, Mutant, Step, System};

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
    switches: 0,
    forms: 0,
    failed_sign_outs: 0,
    sleeps: 0,
    jumps: 0,
    stale_reads: 0,
    absences: 0,
    publics: 0,
    rotations: 0,
};

/// The strictest of servers: a consumed token ends the session, and a key means nothing to it.
const STRICT: Model = Model {
    name: "",
    tabs: 2,
    budget: NOTHING,
    knows_keys: false,
    lenient: false,
    mild: false,
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
        vec![Property::always(
            "nothing that must not be",
            |_, system: &System| system.breach.is_none(),
        )]
    }
}

/// Explores all there is, says how much that was, and returns the shortest way to a breach, if there is one.
fn explore(model: Model) -> Option<(Breach, Vec<Step>)> {
    let (name, mutant) = (model.name, model.mutant);
    let start = std::time::Instant::now();
    let checker = model
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
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
            calls: [1, 1, 0],
            expiries: 1,
            stale_reads: 1,
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
        name: "a page that dies, and a peer that takes over",
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

fn reloads() -> Model {
    Model {
        name: "a page that is reloaded",
        tabs: 1,
        budget: Budget {
            calls: [3, 0, 0],
            deaths: 1,
            births: 1,
            delays: 3,
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
            calls: [1, 1, 0],
            deaths: 1,
            births: 1,
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
            calls: [1, 1, 0],
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

fn two_users() -> Model {
    Model {
        name: "somebody else signs in while somebody is signed in",
        budget: Budget {
            calls: [1, 1, 0],
            switches: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn forms() -> Model {
    Model {
        name: "somebody signs in by a form, and a page is told",
        budget: Budget {
            calls: [1, 1, 0],
            forms: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn failed_sign_outs() -> Model {
    Model {
        name: "a sign-out that is refused or lost",
        budget: Budget {
            calls: [1, 1, 0],
            sign_outs: 1,
            failed_sign_outs: 1,
            ..NOTHING
        },
        ..STRICT
    }
}

fn sign_outs_and_losses() -> Model {
    Model {
        name: "signing out when refreshes are lost",
        budget: Budget {
            calls: [1, 1, 0],
            sign_outs: 1,
            lost_requests: 1,
            delays: 1,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn unheard_sign_ins() -> Model {
    Model {
        name: "signing in when words are lost",
        budget: Budget {
            calls: [1, 2, 0],
            ends: 1,
            sign_ins: 1,
            lost_words: 1,
            ..NOTHING
        },
        unchecked: &[Breach::LeftSignedOut, Breach::RefreshedForNothing],
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
            calls: [1, 1, 0],
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
            lost_requests: 1,
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
            calls: [1, 1, 0],
            absences: 1,
            ends: 1,
            sign_ins: 1,
            ..NOTHING
        },
        ..STRICT
    }
}

fn publics() -> Model {
    Model {
        name: "requests to where everybody is let in",
        budget: Budget {
            calls: [1, 1, 0],
            ends: 1,
            publics: 2,
            ..NOTHING
        },
        unchecked: &[Breach::RefreshedForNothing],
        ..STRICT
    }
}

fn rotations() -> Model {
    Model {
        name: "somebody else rotates the cookie",
        budget: Budget {
            calls: [2, 1, 0],
            rotations: 2,
            ..NOTHING
        },
        mild: true,
        unchecked: &[Breach::RefreshedForNothing],
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
            calls: [2, 1, 0],
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

macro_rules! holds {
    ($($test:ident: $model:ident;)*) => {
        $(
            #[test]
            fn $test() {
                holds($model());
            }
        )*
    };
}

holds! {
    two_tabs_refresh_once_each_time: two_tabs;
    three_tabs_refresh_once: three_tabs;
    answers_may_be_late: late_answers;
    words_may_be_lost: lost_words;
    storage_may_be_missing: no_storage;
    storage_may_be_stale: stale_storage;
    a_peer_may_die: orphans;
    a_page_may_be_reloaded: reloads;
    a_page_may_die_unheard_of: orphans_unheard_of;
    a_refresh_may_be_lost: lost_requests;
    its_answer_may_be_lost: lost_answers;
    its_answer_and_its_page_may_be_lost: lost_answers_of_the_dead;
    a_refresh_may_be_overdue: slow_refreshes;
    the_server_may_fail_or_end_the_session: server_errors;
    the_user_may_sign_out_and_in: sign_outs;
    the_user_may_sign_out_in_doubt: sign_outs_and_losses;
    somebody_else_may_sign_in: two_users;
    somebody_may_sign_in_by_a_form: forms;
    a_sign_out_may_be_refused_or_lost: failed_sign_outs;
    a_sign_in_may_go_unheard: unheard_sign_ins;
    a_tab_may_freeze: frozen_tabs;
    clocks_may_jump: clocks;
    calls_may_be_aborted: aborts;
    a_page_may_be_away: absences;
    a_request_may_be_public: publics;
    somebody_else_may_rotate_the_cookie: rotations;
    locks_may_be_missing: no_locks;
    peers_may_be_missing: no_peers;
}

// And what does not, where the core is broken.

macro_rules! is_caught {
    ($($test:ident: $mutant:ident in $model:ident by $($breach:ident)|+;)*) => {
        $(
            #[test]
            fn $test() {
                let model = Model { mutant: Mutant::$mutant, ..$model() };
                is_caught(model, &[$(Breach::$breach),+]);
            }
        )*
    };
}

is_caught! {
    a_core_that_skips_the_lock_is_caught: SkipsLock in no_storage by TwoRefreshes | TokenReused;
    one_that_checks_nothing_in_the_lock_is: ChecksNothingInLock in two_tabs by RefreshedForNothing;
    one_that_resends_blindly_is: ResendsBlindly in lost_requests by RefreshedBlindly;
    one_that_waits_for_no_orphan_is: IgnoresOrphans in reloads by TwoRefreshes | TokenReused;
    one_whose_refresh_ends_with_its_page_is: LacksKeepalive in reloads by TokenReused;
    one_that_forgets_the_key_is: ForgetsKey in lost_answers by TokenReused;
    one_that_signs_in_without_the_lock_is: SignsInUnlocked in two_users by SupersededByMistake | ServedAsAnother;
    one_that_takes_a_sign_out_for_one_as_it_is_sent_is: SignsOutUnheard in failed_sign_outs by LeftSignedOut | UnauthorizedByMistake;
    one_that_is_revived_by_any_success_is: RevivesByAny in publics by BelievedAlive;
    one_that_believes_a_refusal_unasked_is: BelievesRefusals in rotations by ExpiredUnasked | LeftSignedOut;
    one_that_takes_every_word_for_new_is: IgnoresAge in lost_words by UnauthorizedByMistake;
}

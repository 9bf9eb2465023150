use super::world::*;
use crate::core::{Address, Answer, Cookies, Credentials, Place, Policy, Scope};

/// The address of a URL, as a URL parser gives it: no `..`, no default port, the host in lower case.
fn address(url: &str) -> Address {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Address(format!("{scheme}://{host}{path}").into_bytes())
}

fn all(urls: &[&str]) -> Vec<Address> {
    urls.iter().map(|url| address(url)).collect()
}

fn scope(guard: &[&str], exclude: &[&str]) -> Scope {
    Scope {
        home: address("https://app.example.com"),
        refresh: all(&["https://api.example.com/auth/refresh"]),
        guard: all(guard),
        exclude: all(exclude),
        sign_in: all(&["https://api.example.com/auth/sign-in"]),
        sign_out: all(&["https://api.example.com/auth/sign-out"]),
    }
}

fn policy() -> Policy {
    Policy {
        scope: scope(&["https://api.example.com/"], &[]),
        expired_statuses: vec![401, 419],
        timeout: TIMEOUT,
        csrf: false,
        cross_tab: true,
    }
}

fn is_guarded(scope: &Scope, url: &str) -> bool {
    scope.place(&address(url)) == Place::GuardedElsewhere
}

#[test]
fn a_guard_covers_its_own_path_and_all_below_it() {
    for guard in ["https://api.example.com/v1", "https://api.example.com/v1/"] {
        let scope = scope(&[guard], &[]);
        for url in [
            "https://api.example.com/v1",
            "https://api.example.com/v1/",
            "https://api.example.com/v1//",
            "https://api.example.com/v1/notes/1",
            "https://api.example.com/v1/https://evil.test/",
        ] {
            assert!(is_guarded(&scope, url), "{guard} covers {url}");
        }
    }
}

#[test]
fn a_url_that_only_looks_like_a_guarded_one_is_out_of_scope() {
    for guard in ["https://api.example.com/v1", "https://api.example.com/v1/"] {
        let scope = scope(&[guard], &[]);
        for url in [
            "https://api.example.com.evil.test/v1",
            "https://evil.test/https://api.example.com/v1",
            "https://xapi.example.com/v1",
            "https://example.com/v1",
            "https://api.example.com:8443/v1",
            "http://api.example.com/v1",
            "wss://api.example.com/v1",
            "https://api.example.com/v1x",
            "https://api.example.com/v",
            "https://api.example.com/V1",
            "https://api.example.com//v1",
            "https://api.example.com/v1%2fnotes",
            "https://api.example.com/",
            "https://api.example.com//",
            "https://api.example.com",
        ] {
            assert!(!is_guarded(&scope, url), "{guard} does not cover {url}");
        }
    }
}

#[test]
fn a_guarded_origin_covers_every_path_and_no_other_origin() {
    let scope = scope(&["https://api.example.com/"], &[]);
    assert!(is_guarded(&scope, "https://api.example.com/"));
    assert!(is_guarded(&scope, "https://api.example.com//"));
    assert!(is_guarded(&scope, "https://api.example.com/apix"));
    assert!(!is_guarded(&scope, "https://api.example.com.evil.test/"));
    assert!(!is_guarded(&scope, "https://api.example.com:444/"));
}

#[test]
fn a_blob_of_a_guarded_origin_is_out_of_scope() {
    let scope = scope(&["https://api.example.com/"], &[]);
    // As the parser gives `blob:https://api.example.com/v1` and `data:,x`.
    let blob = Address("https://api.example.comhttps://api.example.com/v1".into());
    let data = Address("null,x".into());
    assert_eq!(scope.place(&blob), Place::Unguarded);
    assert_eq!(scope.place(&data), Place::Unguarded);
}

#[test]
fn the_refresh_url_is_never_guarded() {
    let scope = scope(&["https://api.example.com/"], &[]);
    assert!(!is_guarded(&scope, "https://api.example.com/auth/refresh"));
    assert!(is_guarded(
        &scope,
        "https://api.example.com/auth/refreshments"
    ));
}

#[test]
fn what_exclude_covers_is_not_guarded_though_guard_covers_it_too() {
    let scope = scope(
        &[
            "https://api.example.com/",
            "https://api.example.com/auth/me",
        ],
        &[
            "https://api.example.com/auth",
            "https://api.example.com/open/",
        ],
    );
    assert!(is_guarded(&scope, "https://api.example.com/notes"));
    assert!(is_guarded(&scope, "https://api.example.com/authors"));
    assert!(is_guarded(&scope, "https://api.example.com/opening"));
    assert!(!is_guarded(&scope, "https://api.example.com/auth"));
    assert!(!is_guarded(&scope, "https://api.example.com/auth/me"));
    assert!(!is_guarded(&scope, "https://api.example.com/open"));
    assert!(!is_guarded(&scope, "https://api.example.com/open/notes"));
}

#[test]
fn sign_in_and_sign_out_are_known_though_exclude_covers_them() {
    let scope = scope(
        &["https://api.example.com/"],
        &["https://api.example.com/auth"],
    );
    let place = |url| scope.place(&address(url));
    assert_eq!(place("https://api.example.com/auth/sign-in"), Place::SignIn);
    assert_eq!(
        place("https://api.example.com/auth/sign-out"),
        Place::SignOut
    );
    assert_eq!(
        place("https://api.example.com/auth/sign-in/help"),
        Place::Unguarded
    );
    assert_eq!(place("https://evil.test/auth/sign-in"), Place::Unguarded);
}

#[test]
fn the_home_origin_needs_no_credentials_mode_and_another_one_does() {
    let scope = scope(
        &["https://app.example.com/", "https://api.example.com/"],
        &[],
    );
    let place = |url| scope.place(&address(url));
    assert_eq!(place("https://app.example.com/api"), Place::Guarded);
    assert_eq!(place("https://api.example.com/v1"), Place::GuardedElsewhere);
}

#[test]
fn a_request_whose_caller_wants_no_cookies_is_passed_through() {
    let cookies = Policy::cookies;
    for place in [Place::Guarded, Place::GuardedElsewhere] {
        assert_eq!(cookies(place, Some(Credentials::Omit)), Cookies::Declined);
    }
    // To another origin, this mode sends none either.
    let chosen = Some(Credentials::SameOrigin);
    assert_eq!(cookies(Place::GuardedElsewhere, chosen), Cookies::Declined);
    assert_eq!(cookies(Place::Guarded, chosen), Cookies::AsIs);
}

#[test]
fn a_cross_origin_guarded_request_is_sent_with_credentials_unless_its_caller_chose() {
    let cookies = Policy::cookies;
    assert_eq!(cookies(Place::GuardedElsewhere, None), Cookies::Include);
    assert_eq!(
        cookies(Place::GuardedElsewhere, Some(Credentials::Include)),
        Cookies::AsIs
    );
    assert_eq!(cookies(Place::Guarded, None), Cookies::AsIs);
}

#[test]
fn only_methods_that_can_change_something_are_unsafe() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "get"] {
        assert!(!Policy::is_unsafe(method), "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "post", "PURGE"] {
        assert!(Policy::is_unsafe(method), "{method}");
    }
}

#[test]
fn which_statuses_mean_expired_is_the_clients_choice() {
    let is_expired = |status| policy().read(status, || None).expired;
    assert!(is_expired(401));
    assert!(is_expired(419));
    assert!(!is_expired(403));
    assert!(!is_expired(200));
}

#[test]
fn a_401_after_a_redirect_out_of_scope_is_handed_over_without_a_refresh() {
    let elsewhere = policy().read(401, || Some(Place::Unguarded));
    let in_scope = policy().read(401, || Some(Place::GuardedElsewhere));
    assert!(in_scope.expired);

    let mut world = World::new();
    let call = world.fetch();
    world.answer_as(call, 401, elsewhere);
    assert_eq!(world.got(call), UNAUTHORIZED);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_response_that_is_not_an_expired_status_goes_to_the_caller_at_once() {
    let mut world = World::new();
    for status in [200, 204, 304, 400, 403, 404, 429, 500, 503] {
        let call = world.fetch();
        world.answer(call, status);
        assert_eq!(world.got(call), Some(Got::Answer(status)));
        assert_eq!(world.hits(call), 1);
    }
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn a_rejection_of_fetch_ends_the_call_and_nothing_else() {
    let mut world = World::new();
    let (failing, other) = (world.fetch(), world.fetch());
    world.reject(failing);
    assert_eq!(world.got(failing), Some(Got::Rejected));
    world.serve();
    assert_eq!(world.got(other), OK);
    assert_eq!(world.refreshes.len(), 0);
}

#[test]
fn an_answer_that_is_not_ours_to_judge_is_neither_a_success_nor_an_expiry() {
    let mut world = World::new();
    let call = world.fetch();
    let neither = Answer {
        expired: false,
        ok: false,
    };
    world.answer_as(call, 500, neither);
    assert_eq!(world.standing(), crate::core::Standing::Unknown);
}

//! The table of `tests/scope.json`, which the JavaScript edge keeps too.

use serde_json::Value;
use url::Url;

use crate::core::{Address, Cookies, Credentials, Endpoint, Place, Scope, is_unsafe};

/// Each scope of the table, with its entry.
fn each_scope(check: impl Fn(&Scope, &Value)) {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scope.json");
    let table = std::fs::read_to_string(table).expect("the table");
    let table: Vec<Value> = serde_json::from_str(&table).expect("the table is JSON");
    assert!(!table.is_empty());
    for entry in table {
        let scope = Scope {
            home: Address(text(&entry["home"]).into()),
            refresh: address(text(&entry["refresh"])),
            guard: all(&entry["guard"], |it| address(text(it))),
            exclude: all(&entry["exclude"], |it| address(text(it))),
            sign_in: all(&entry["signIn"], endpoint),
            sign_out: all(&entry["signOut"], endpoint),
        };
        check(&scope, &entry);
    }
}

fn all<T>(list: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    list.as_array().into_iter().flatten().map(read).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn address(url: &str) -> Address {
    let url = Url::parse(url).expect("a URL");
    // As browsers have it: the origin of what has none is "null".
    Address((url.origin().ascii_serialization() + url.path()).into_bytes())
}

fn endpoint(value: &Value) -> Endpoint {
    Endpoint {
        address: address(text(value.get("url").unwrap_or(value))),
        method: value.get("method").map(|it| text(it).to_owned()),
    }
}

#[test]
fn what_a_request_is_goes_by_its_parsed_url_and_its_method() {
    each_scope(|scope, entry| {
        for case in all(&entry["cases"], Value::clone) {
            let place = match text(&case[2]) {
                "guarded" => Place::Guarded,
                "signIn" => Place::SignIn,
                "signOut" => Place::SignOut,
                _ => Place::Unguarded,
            };
            let url = address(text(&case[1]));
            assert_eq!(scope.place(&url, text(&case[0])), place, "{entry} {case}");
        }
    });
}

#[test]
fn r3_a_request_without_cookies_is_passed_through_and_a_cross_origin_one_carries_them_by_default() {
    each_scope(|scope, entry| {
        for case in all(&entry["cookies"], Value::clone) {
            let chosen = match case[1].as_str() {
                Some("omit") => Some(Credentials::Omit),
                Some("same-origin") => Some(Credentials::SameOrigin),
                Some("include") => Some(Credentials::Include),
                _ => None,
            };
            let cookies = match text(&case[2]) {
                "included" => Cookies::Include,
                "none" => Cookies::Declined,
                _ => Cookies::AsIs,
            };
            let url = address(text(&case[0]));
            assert_ne!(scope.place(&url, "POST"), Place::Unguarded, "{case}");
            let elsewhere = scope.is_elsewhere(&url);
            assert_eq!(Cookies::of(elsewhere, chosen), cookies, "{entry} {case}");
        }
    });
}

#[test]
fn only_methods_that_can_change_something_are_unsafe() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "get"] {
        assert!(!is_unsafe(method), "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "post", "PURGE"] {
        assert!(is_unsafe(method), "{method}");
    }
}

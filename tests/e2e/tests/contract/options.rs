//! Options: what makes no sense is refused at once, in words that help.

use keepfresh_e2e::{Page, usual};
use serde_json::json;

/// Done when, 8. Bad options (no refresh URL, a URL that does not parse, a guard on another scheme, a negative timeout,
/// an unknown key) throw `KeepfreshError` `invalid_options` naming the option and what is expected.
#[tokio::test(flavor = "multi_thread")]
async fn done_8_bad_options_throw_invalid_options_naming_the_option_and_what_is_expected() {
    let page = Page::blank(usual()).await;
    let seen = page
        .run(
            r#"
            const refresh = "/auth/refresh";
            const bad = {
                "no options": [undefined, "options", "refresh URL"],
                "no refresh URL": [{}, "refresh", "URL"],
                "an empty one": [{ refresh: "" }, "refresh", "URL"],
                "one that does not parse": [{ refresh: "http://[" }, "refresh", "URL"],
                "another scheme": [{ refresh: "ftp://example.com/" }, "refresh", "http or https"],
                "a refresh by no method": [{ refresh: { url: refresh, method: "NO METHOD" } }, "refresh.method", "POST"],
                "a refresh by one that fetch refuses": [{ refresh: { url: refresh, method: "trace" } }, "refresh.method", "POST"],
                "a body of an object": [{ refresh: { url: refresh, body: {} } }, "refresh.body", "a string"],
                "a GET with a body": [{ refresh: { url: refresh, method: "get", body: "{}" } }, "refresh.body", "none"],
                "an unknown key of refresh": [{ refresh: { url: refresh, credentials: "omit" } }, "refresh.credentials", "one of"],
                "a guard on another scheme": [{ refresh, guard: ["https://example.com/"] }, "guard", "scheme"],
                "a guard that does not parse": [{ refresh, guard: ["http://["] }, "guard", "URL"],
                "no list of guards": [{ refresh, guard: "/api" }, "guard", "list"],
                "an empty list of guards": [{ refresh, guard: [] }, "guard", "list"],
                "an exclusion with a query": [{ refresh, exclude: ["/api?a"] }, "exclude", "without a query"],
                "a sign-in that does not parse": [{ refresh, signIn: "http://[" }, "signIn", "URL"],
                "no sign-in": [{ refresh, signIn: [] }, "signIn", "not empty"],
                "a sign-in without a URL": [{ refresh, signIn: { method: "POST" } }, "signIn", "url"],
                "one of several that has none": [{ refresh, signIn: ["/a", { method: "POST" }] }, "signIn", "url"],
                "a sign-out by no method": [{ refresh, signOut: { url: "/a", method: "" } }, "signOut.method", "method"],
                "an unknown key of a sign-out": [{ refresh, signOut: { url: "/a", mehtod: "POST" } }, 'did you mean "signOut.method"', "one of"],
                "a negative timeout": [{ refresh, timeout: -1 }, "timeout", "milliseconds above 0"],
                "a timeout of no number": [{ refresh, timeout: NaN }, "timeout", "number"],
                "a timeout in words": [{ refresh, timeout: "10 s" }, "timeout", "number"],
                "a status of success": [{ refresh, expiredStatuses: [200] }, "expiredStatuses", "between 400 and 599"],
                "half a csrf": [{ refresh, csrf: { header: "x-csrf" } }, "csrf", "header"],
                "both of a csrf": [{ refresh, csrf: { header: "x-csrf", value: "a", cookie: "a" } }, "csrf", "header"],
                "a csrf by the name of a tag": [{ refresh, csrf: { header: "x", value: "y", meta: "csrf" } }, "csrf.meta", "one of"],
                "a header that is none": [{ refresh, csrf: { header: "x csrf", value: "y" } }, "csrf", "fit for a header"],
                "a csrf of the refresh for all": [{ refresh: { url: refresh, csrf: { header: "x", value: "y", all: true } } }, "refresh.csrf.all", "one of"],
                "both ways to say expired": [{ refresh, expiredStatuses: [401], isExpired: () => true }, "isExpired", "expiredStatuses"],
                "a predicate that is none": [{ refresh, isExpired: 401 }, "isExpired", "function"],
                "an interpreter that is none": [{ refresh, interpret: {} }, "interpret", "function"],
                "a name of no letters": [{ refresh, name: "" }, "name", "string"],
                "to learn in words": [{ refresh, learn: "no" }, "learn", "true or false"],
                "one letter too many": [{ refresh, isExpiredd: () => true }, 'did you mean "isExpired"', "one of"],
                "another case": [{ refresh, signin: "/sign-in" }, 'did you mean "signIn"', "one of"],
                "in other words": [{ refresh, refreshEndpoint: "/auth/refresh" }, 'did you mean "refresh"', "one of"],
                "a fetch that is none": [{ refresh, fetch: "fetch" }, "fetch", "function"],
                "an unknown key": [{ refresh, refreshUrl: "/auth/refresh" }, 'unknown option "refreshUrl"', "one of"],
            };
            const wrong = {};
            for (const [name, [options, option, expected]] of Object.entries(bad)) {
                try {
                    createClient(options);
                    wrong[name] = "nothing was thrown";
                } catch (error) {
                    const told = error.message.includes(option) && /expected/i.test(error.message) && error.message.includes(expected);
                    const kind = error instanceof KeepfreshError && isKeepfreshError(error) && error.code === "invalid_options";
                    if (!told || !kind) wrong[name] = String(error);
                }
            }
            return { tried: Object.keys(bad).length, wrong };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "tried": 40, "wrong": {} }));
}

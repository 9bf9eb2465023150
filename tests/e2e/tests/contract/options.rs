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
                "a refresh by GET": [{ refresh: { url: refresh, method: "GET" } }, "refresh.method", "POST"],
                "an unknown key of refresh": [{ refresh: { url: refresh, body: "" } }, "refresh.body", "one of"],
                "a guard on another scheme": [{ refresh, guard: ["https://example.com/"] }, "guard", "scheme"],
                "a guard that does not parse": [{ refresh, guard: ["http://["] }, "guard", "URL"],
                "no list of guards": [{ refresh, guard: "/api" }, "guard", "list"],
                "an empty list of guards": [{ refresh, guard: [] }, "guard", "list"],
                "an exclusion with a query": [{ refresh, exclude: ["/api?a"] }, "exclude", "without a query"],
                "a sign-in that does not parse": [{ refresh, signIn: "http://[" }, "signIn", "URL"],
                "a negative timeout": [{ refresh, timeout: -1 }, "timeout", "milliseconds above 0"],
                "a timeout of no number": [{ refresh, timeout: NaN }, "timeout", "number"],
                "a timeout in words": [{ refresh, timeout: "10 s" }, "timeout", "number"],
                "a status of success": [{ refresh, expiredStatuses: [200] }, "expiredStatuses", "between 400 and 599"],
                "half a csrf": [{ refresh, csrf: { header: "x-csrf" } }, "csrf", "header"],
                "a fetch that is none": [{ refresh, fetch: "fetch" }, "fetch", "function"],
                "an unknown key": [{ refresh, refreshUrl: "/auth/refresh" }, "refreshUrl", "one of"],
            };
            const wrong = {};
            for (const [name, [options, option, expected]] of Object.entries(bad)) {
                try {
                    createClient(options);
                    wrong[name] = "nothing was thrown";
                } catch (error) {
                    const told = error.message.includes(option) && error.message.includes("expected") && error.message.includes(expected);
                    const kind = error instanceof KeepfreshError && isKeepfreshError(error) && error.code === "invalid_options";
                    if (!told || !kind) wrong[name] = String(error);
                }
            }
            return { tried: Object.keys(bad).length, wrong };
            "#,
        )
        .await;
    assert_eq!(seen, json!({ "tried": 20, "wrong": {} }));
}

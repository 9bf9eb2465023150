// What compiles, and what must not. Checked by `cargo xtask check`; nothing of it runs, and nothing is published.

import { createClient, init, isKeepfreshError, KeepfreshError } from "../index.js";
import type { Client, ClientEvent, ClientEventMap, Options } from "../index.js";
import * as slim from "../slim.js";

type Equal<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
const same = <One, Other>(_: Equal<One, Other>) => {};

const client = createClient({ refresh: "/auth/refresh" });

// It is a fetch, in both directions.
const asFetch: typeof fetch = client.fetch;
const { fetch: destructured } = client;
same<typeof destructured, typeof fetch>(true);
const answer: Promise<Response> = client.fetch(new Request("/api"), { method: "POST", body: new FormData() });
createClient({ refresh: "/auth/refresh", fetch: asFetch });

// Options.
createClient({ refresh: new URL("https://api.example.com/refresh") });
createClient({
  refresh: { url: "/auth/refresh", method: "PUT", headers: { "x-client": "web" }, idempotencyKey: true },
  guard: ["/api", new URL("https://api.example.com/")],
  exclude: ["/api/public"],
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  expiredStatuses: [401, 419],
  csrf: { header: "x-csrf", cookie: "csrf" },
  timeout: 5_000,
  learn: false,
  name: "staff",
});
createClient({
  refresh: { url: "/refresh", method: "GET", csrf: { header: "x-refresh-csrf", cookie: "refresh_csrf" } },
  signIn: ["/sign-in", { url: "/register", method: "PUT" }],
  signOut: { url: new URL("https://api.example.com/session"), method: "DELETE" },
  csrf: { header: "x-csrf", value: () => document.querySelector("meta")?.content, all: true },
  isExpired: async (response) => response.status === 200 && (await response.clone().json()).errors,
  interpret: ({ of, response, body }) => {
    same<typeof of, "refresh" | "signIn" | "signOut">(true);
    // @ts-expect-error Nobody knows what is in it.
    void body.ok;
    return response.ok ? { outcome: "renewed", expiresIn: 300, subject: "ada" } : undefined;
  },
});
createClient({ refresh: { url: "/refresh", body: "{}" } });
createClient({
  refresh: "/refresh",
  trace: ({ at, what, status }) => {
    same<typeof at, number>(true);
    same<typeof status, number | undefined>(true);
    // @ts-expect-error It is no decision of ours.
    void (what === "rotated");
  },
});
// @ts-expect-error One of three.
createClient({ refresh: "/refresh", interpret: () => ({ outcome: "fine" }) });
// @ts-expect-error Text.
createClient({ refresh: { url: "/refresh", body: {} } });
// @ts-expect-error `all` is not for the refresh, which has one request.
createClient({ refresh: { url: "/refresh", csrf: { header: "x", cookie: "y", all: true } } });
// @ts-expect-error A cookie or a value, and not both.
createClient({ refresh: "/refresh", csrf: { header: "x-csrf", meta: "csrf" } });
// @ts-expect-error A method goes with its URL.
createClient({ refresh: "/refresh", signIn: { method: "POST" } });
// @ts-expect-error There is nothing to guess.
createClient();
// @ts-expect-error The refresh URL is what it takes at least.
createClient({});
// @ts-expect-error One that is not known is a mistake.
createClient({ refresh: "/auth/refresh", refreshUrl: "/auth/refresh" });
// @ts-expect-error A list.
createClient({ refresh: "/auth/refresh", guard: "/api" });
// @ts-expect-error A value or a cookie.
createClient({ refresh: "/auth/refresh", csrf: { header: "x-csrf" } });
// @ts-expect-error Milliseconds.
createClient({ refresh: "/auth/refresh", timeout: "10s" });
// @ts-expect-error Numbers.
createClient({ refresh: "/auth/refresh", expiredStatuses: ["401"] });
const options: Options = { refresh: "/auth/refresh" };
void options;

// State and methods.
same<typeof client.state, "unknown" | "active" | "refreshing" | "expired">(true);
// @ts-expect-error It is read, not set.
client.state = "active";
// @ts-expect-error So is fetch.
client.fetch = fetch;
const freshened: Promise<void> = client.ensureFresh({ maxAge: 60_000, signal: AbortSignal.timeout(1_000) });
// @ts-expect-error Milliseconds.
client.ensureFresh({ maxAge: "1m" });
const refreshed: Promise<void> = client.refresh({ signal: new AbortController().signal });
const undo: () => void = client.install();
{
  using scoped = createClient({ refresh: "/auth/refresh" });
  scoped.dispose();
}

// Events, by name.
client.addEventListener("expired", (event) => {
  same<typeof event, ClientEventMap["expired"]>(true);
  same<typeof event.detail.cause, "answered" | "signed_out" | "superseded">(true);
  same<typeof event.detail.by, "client" | "peer">(true);
  // @ts-expect-error A refused refresh was not lost.
  const lost = event.detail.cause === "lost";
  void lost;
  // @ts-expect-error What has happened is not to be changed.
  event.detail.by = "peer";
});
client.addEventListener("refreshed", function (this: Client) {
  same<typeof this, Client>(true);
});
client.addEventListener(
  "unavailable",
  ({ detail }) => same<typeof detail.cause, "answered" | "lost" | "overdue" | "engine">(true),
  { once: true },
);
client.addEventListener("ineffective", { handleEvent: (event: Event) => event.type });
const listener = (event: ClientEvent<"unauthorized" | "lifetime" | "learnt" | "asked">) => event.detail.by;
client.addEventListener("refreshed", listener);
client.removeEventListener("refreshed", listener);
// @ts-expect-error An expired session has another cause.
client.addEventListener("expired", (event: ClientEvent<"lost">) => event);

// Errors.
const caught: unknown = undefined;
if (isKeepfreshError(caught)) {
  same<
    typeof caught.code,
    "refresh_unavailable" | "not_replayable" | "invalid_options" | "engine_unavailable" | "disposed"
  >(true);
  const error: Error = caught;
  void error.cause;
  // @ts-expect-error It is no code of ours.
  const timedOut = caught.code === "timeout";
  void timedOut;
}
caught instanceof KeepfreshError;

// The lean entry: the same, but for where the engine is.
same<ReturnType<typeof slim.createClient>, Client>(true);
same<typeof slim.KeepfreshError, typeof KeepfreshError>(true);
init();
slim.init("/keepfresh.wasm");
slim.init(new URL("https://cdn.example.com/keepfresh.wasm"));
slim.init(fetch("/keepfresh.wasm"));
slim.init(() => fetch("/keepfresh.wasm"));
slim.init(new Uint8Array());
slim.init(new ArrayBuffer(0));
slim.init(WebAssembly.compile(new Uint8Array()));
// @ts-expect-error It has to be somewhere.
slim.init();
// @ts-expect-error The default entry brings it along.
init("/keepfresh.wasm");
// @ts-expect-error Nor is it nothing. (Anything else passes: to TypeScript a `WebAssembly.Module` is any object.)
slim.init(null);

void [answer, freshened, refreshed, undo];

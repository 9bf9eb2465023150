/** Signs in, lets the access token expire, and calls once with each entry of the package. */
export async function calls() {
  const post = (path, body) => {
    const headers = { "content-type": "application/json" };
    return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  await post("/auth/sign-in", { login: "ada", password: "correct horse" });
  const seen = {};
  for (const entry of ["index", "slim"]) {
    await post("/lab/expire-access", {});
    const { createClient, init } = await import(`/keepfresh/${entry}.js`);
    if (entry === "slim") init("/keepfresh/engine/keepfresh.wasm");
    const call = createClient({ refresh: "/auth/refresh" }).fetch("/api/me");
    seen[entry] = await call.then(
      (answer) => answer.status,
      (error) => [error.code, error.message, error.cause instanceof Error],
    );
  }
  return seen;
}

/** What a page has of each entry that cannot have its engine. */
export async function without() {
  const seen = {};
  for (const entry of ["index", "slim"]) {
    const { createClient, init } = await import(`/keepfresh/${entry}.js`);
    const source = entry === "slim" ? ["/keepfresh/engine/keepfresh.wasm"] : [];
    const csrf = [];
    const client = createClient({
      refresh: "/auth/refresh",
      signIn: "/auth/sign-in",
      signOut: "/auth/sign-out",
      csrf: { header: "x-csrf", value: "token" },
      fetch: (input, init) => {
        const sent = new Headers(init?.headers).get("x-csrf");
        if (sent) csrf.push(sent);
        return native(input, init);
      },
    });
    const native = globalThis.fetch;
    const events = [];
    client.addEventListener("unavailable", ({ detail }) => events.push([detail.cause, detail.by]));
    const { warn } = console;
    let warned = 0;
    console.warn = () => (warned += 1);
    const undo = client.install();
    const send = (path, body) => {
      const headers = { "content-type": "application/json" };
      return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    };
    const status = (call) => call.then((answer) => answer.status);
    const told = (call) => call.then(String, (error) => [error.code, error.message, error.cause instanceof Error]);
    if (entry === "slim") init(...source).catch(() => {});
    await native("/auth/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ login: "ada", password: "correct horse" }),
    });
    const elsewhere = await status(fetch("/nothing-here"));
    const guarded = await status(fetch("/api/me"));
    const note = await send("/api/notes", { text: "text of the note" });
    const notes = [note.status, (await note.json()).text];
    await native("/lab/expire-access", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    const unauthorized = await status(fetch("/api/me"));
    const signedOut = await status(fetch("/auth/sign-out", { method: "POST" }));
    seen[entry] = {
      elsewhere,
      guarded,
      notes,
      unauthorized,
      signedOut,
      csrf,
      events,
      warned,
      state: client.state,
      init: await told(init(...source)),
      ensureFresh: await told(client.ensureFresh()),
      refresh: await told(client.refresh()),
    };
    undo();
    console.warn = warn;
  }
  return seen;
}

/** Twenty requests at once meet an expired access token, with the entry that needs no WebAssembly. */
export async function translated() {
  const post = (path, body) => {
    const headers = { "content-type": "application/json" };
    return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  await post("/auth/sign-in", { login: "ada", password: "correct horse" });
  await post("/lab/expire-access", {});
  const { createClient } = await import("/keepfresh/js.js");
  const client = createClient({ refresh: "/auth/refresh" });
  const calls = Array.from({ length: 20 }, () => client.fetch("/api/me"));
  const answers = (await Promise.all(calls)).map(({ status }) => status);
  const { refresh_requests: refreshes } = await (await fetch("/lab/counters?all=1")).json();
  return { answers, refreshes, state: client.state };
}

globalThis.translated = translated;
globalThis.calls = calls;
globalThis.without = without;

// One story, told over each backend: what a page's user does, and what passes on the wire meanwhile.

/** How a backend's endpoints are called, where they are not called so. */
const USUAL = {
  me: (send) => send("/api/me"),
  note: (send) => send("/api/notes", { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"a note"}' }),
  upload: (send, bytes) => send("/api/notes", { method: "POST", headers: { "content-type": "application/octet-stream" }, body: bytes }),
  forbidden: (send) => send("/api/forbidden"),
  signIn: (send, password) =>
    send("/auth/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ login: "ada", username: "ada", password }),
    }),
  signOut: "/auth/sign-out",
  refresh: ["POST", "/auth/refresh"],
  isFine: async (response) => response.ok,
  /** The CSRF header of a sign-out that the client does not see. */
  headers: () => ({}),
};
const cookie = (name) => decodeURIComponent(document.cookie.match(`${name}=([^;]*)`)?.[1] ?? "");
const query = (text, variables) => (send) =>
  send("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: text, variables }) });

/** Each token has a CSRF cookie of its own. */
const flaskHeaders = (_, path) => ({ "x-csrf-token": cookie(`csrf_${path.includes("refresh") ? "refresh" : "access"}_token`) });

const OTHERS = {
  flask: { headers: flaskHeaders },
  fastapi: { headers: flaskHeaders },
  django: {
    headers: () => ({ "x-csrftoken": cookie("csrftoken") }),
    upload: (send, bytes) => {
      const body = new FormData();
      body.append("file", new Blob([bytes]), "file.bin");
      return send("/api/notes", { method: "POST", body });
    },
  },
  express: { signOut: "/refresh/sign-out", refresh: ["GET", "/refresh"] },
  fastify: { headers: (token) => ({ "csrf-token": token }) },
  "graphql-yoga": {
    me: query("{ me }"),
    note: query('mutation { note(text: "a note") }'),
    upload: (send, bytes) => query("mutation ($text: String!) { note(text: $text) }", { text: "x".repeat(bytes.length) })(send),
    forbidden: query("{ forbidden }"),
    isFine: async (response) => response.ok && !(await response.clone().json()).errors,
  },
};

export async function story(name) {
  const backend = { ...USUAL, ...OTHERS[name] };
  const { client } = window;
  const heard = [];
  for (const type of ["refreshed", "expired", "unavailable", "ineffective"]) client.addEventListener(type, () => heard.push(type));
  const send = client.fetch;
  const token = name === "fastify" ? (await (await fetch("/csrf-token")).json()).token : undefined;
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  const log = async () => (await fetch("/front/log")).json();
  const refreshes = async () => {
    const [method, path] = backend.refresh;
    return (await log()).filter((one) => one.method === method && one.path === path).length;
  };
  /** Waits until the access token has really expired. */
  const expire = async () => {
    while (await backend.isFine(await backend.me(fetch))) await pause();
    await log();
  };
  const fine = async (call) => backend.isFine(await call);
  const all = async (calls) => (await Promise.all(calls.map(fine))).every(Boolean);
  const seen = {};

  seen["a wrong password"] = [(await backend.signIn(send, "wrong")).ok, client.state];
  seen["a sign-in"] = [(await backend.signIn(send, "correct horse")).ok, client.state, await fine(backend.me(send))];
  await expire();
  seen["20 GETs at expiry"] = [await all(Array.from({ length: 20 }, () => backend.me(send))), await refreshes()];
  await expire();
  seen["a POST at expiry"] = [await fine(backend.note(send)), await refreshes()];
  await expire();
  const sent = new Uint8Array(100_000).fill(120);
  const uploaded = await (await backend.upload(send, sent)).json();
  seen["an upload at expiry"] = [(uploaded.length ?? uploaded.data?.note) === sent.length, await refreshes()];

  const frame = document.body.appendChild(document.createElement("iframe"));
  frame.src = "/";
  while (!frame.contentWindow.client) await pause();
  await expire();
  const tabs = [send, frame.contentWindow.client.fetch];
  seen["two tabs at expiry"] = [await all(tabs.flatMap((tab) => Array.from({ length: 5 }, () => backend.me(tab)))), await refreshes()];
  frame.remove();

  const forbidden = await backend.forbidden(send);
  const isDenied = forbidden.status === 403 || Boolean((await forbidden.json()).errors);
  seen["an answer that is forbidden"] = [isDenied, await refreshes()];

  await expire();
  const left = await send(backend.signOut, { method: "POST" });
  const [method, path] = backend.refresh;
  const after = await fetch(path, { method, headers: backend.headers(token, path) });
  seen["a sign-out at expiry"] = [left.ok, client.state, after.ok, await fine(backend.me(send))];

  await backend.signIn(send, "correct horse");
  heard.length = 0;
  await fetch("/front/keep");
  await fetch(backend.signOut, { method: "POST", headers: backend.headers(token, backend.signOut) });
  await expire();
  seen["a revoked refresh"] = [await fine(backend.me(send)), client.state, heard.filter((it) => it === "expired").length];

  seen["a sign-in again"] = [(await backend.signIn(send, "correct horse")).ok, client.state, await fine(backend.me(send))];
  return seen;
}

// A page of the chaos run: it does what it is told, and tells what came of it at once, for it may be gone any moment.

import { createClient } from "/keepfresh/index.js";

const told = new URLSearchParams(location.search);
const control = new WebSocket(`ws://127.0.0.1:${told.get("control")}/${told.get("tab")}`);
const now = () => performance.timeOrigin + performance.now();
const say = (what) => control.send(JSON.stringify({ ...what, at: now() }));

const client = createClient({
  refresh: "/auth/refresh",
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  timeout: Number(told.get("timeout")),
  trace: ({ what, call, cause, by, status }) => {
    if (control.readyState !== WebSocket.OPEN || what === "sent" || what === "answered") return;
    const text = [what, call, cause, by, status, client.state].filter((it) => it !== undefined).join(" ");
    say({ kind: "noted", text });
  },
});
client.addEventListener("expired", () => say({ kind: "expired" }));

control.onopen = () => say({ kind: "here" });
control.onmessage = ({ data }) => {
  const { reload, clear, id, path, method, body, raw, form } = JSON.parse(data);
  if (clear) localStorage.clear();
  if (clear) sessionStorage.clear();
  if (reload) return location.reload();
  const type = form ? "application/x-www-form-urlencoded" : "application/json";
  const headers = body === null ? {} : { "content-type": type };
  say({ kind: "called", id });
  (raw ? fetch : client.fetch)(path, { method, headers, body }).then(
    ({ status, headers }) => {
      say({ kind: "settled", id, outcome: String(status), user: headers.get("x-user") });
      // As after a navigation: the page that comes up knows nothing, and the others were not told.
      if (form) location.reload();
    },
    (error) => say({ kind: "settled", id, outcome: error.code || error.name }),
  );
};

// A worker, dedicated or shared, with a client in it: it is told an address, and answers what the call came to.

import { createClient } from "/keepfresh/index.js";

const client = createClient({ refresh: "/auth/refresh", signIn: "/auth/sign-in", signOut: "/auth/sign-out" });

/** @param {MessagePort | DedicatedWorkerGlobalScope} port */
function serve(port) {
  client.addEventListener("expired", () => port.postMessage("expired"));
  port.onmessage = async ({ data }) => {
    const outcome = await client.fetch(data).then(({ status }) => status, (error) => error.code ?? error.name);
    port.postMessage(outcome);
  };
  port.postMessage("ready");
}

if ("onconnect" in globalThis) globalThis.onconnect = ({ ports }) => serve(ports[0]);
else serve(globalThis);

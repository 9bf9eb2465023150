// What a frame in somebody else's page finds out, told to that page.

import { createClient } from "/keepfresh/index.js";

const client = createClient({ refresh: "/auth/refresh", signIn: "/auth/sign-in", signOut: "/auth/sign-out" });
let expired = false;
client.addEventListener("expired", () => (expired = true));
const { status } = await client.fetch("/api/me");
parent.postMessage({ status, expired, shared: localStorage.getItem("of the tab") !== null }, "*");

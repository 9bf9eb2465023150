import { createClient } from "keepfresh";

const client = createClient({ refresh: "/auth/refresh" });

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname.startsWith("/api/")) event.respondWith(client.fetch(event.request));
});

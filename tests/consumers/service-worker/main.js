import { show } from "../story.js";

await navigator.serviceWorker.register("./service-worker.js", { type: "module" });
if (!navigator.serviceWorker.controller) {
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
}
// The page itself knows nothing of keepfresh.
show(fetch);

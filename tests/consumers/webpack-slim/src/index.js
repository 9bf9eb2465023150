import { createClient, init } from "keepfresh/slim";
import { show } from "../../story.js";

init(new URL("keepfresh/keepfresh.wasm", import.meta.url));
const client = createClient({ refresh: "/auth/refresh" });
show(client.fetch);

import engine from "keepfresh/keepfresh.wasm?url";
import { createClient, init } from "keepfresh/slim";
import { show } from "../story.js";

init(engine);
const client = createClient({ refresh: "/auth/refresh" });
show(client.fetch);

import { createClient } from "keepfresh";
import { show } from "../story.js";

const client = createClient({ refresh: "/auth/refresh" });
show(client.fetch);

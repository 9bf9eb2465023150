import { createClient } from "keepfresh";
import { story } from "../story.js";

const client = createClient({ refresh: "/auth/refresh" });
story(client.fetch).then(postMessage, (error) => postMessage(String(error)));

import { createClient } from "../../pkg/index.js";
import { fetchLike } from "./fetch_like.js";

export const create = (send) => fetchLike(createClient({ refresh: "/auth/refresh", fetch: send }).fetch);

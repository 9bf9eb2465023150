// fetch itself: what everything else is compared with.
import { fetchLike } from "./fetch_like.js";

export const create = (send) => fetchLike(send);

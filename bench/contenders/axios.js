import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";
import { onceAtATime } from "./refresh.js";

export function create(send) {
  // By its fetch adapter: the other one, XMLHttpRequest, cannot be given a fetch.
  const api = axios.create({ adapter: "fetch", env: { fetch: send }, responseType: "text" });
  // By default every 401 but the first is handed to its caller while the refresh is under way. The refresh is shared all
  // the same, and does not go through axios, so there is no loop to fear.
  createAuthRefresh(api, onceAtATime(send), { deduplicateRefresh: false });
  return {
    get: (url, signal) => api.get(url, { signal }),
    getWith: (url, headers) => api.get(url, { headers }),
    post: (url, body, headers) => api.post(url, body, { headers }),
    read: (response) => response.data,
  };
}

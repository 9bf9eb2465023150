import wretch from "wretch";
import { onceAtATime } from "./refresh.js";

export function create(send) {
  const refresh = onceAtATime(send);
  const api = wretch()
    .fetchPolyfill(send)
    .resolve((answer) =>
      answer
        .unauthorized(async (_, request) => {
          await refresh();
          // Without the resolver: the second 401 is the answer.
          return request.resolve((again) => again.res(), true).fetch();
        })
        .res(),
    );
  return {
    get: (url, signal) => (signal ? api.options({ signal }) : api).get(url),
    getWith: (url, headers) => api.headers(headers).get(url),
    post: (url, body, headers) => api.headers(headers).body(body).post(undefined, url),
    read: (response) => response.text(),
  };
}

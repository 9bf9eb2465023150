import createClient from "openapi-fetch";
import { onceAtATime } from "./refresh.js";

export function create(send) {
  const refresh = onceAtATime(send);
  const api = createClient({ baseUrl: location.origin, fetch: send, bodySerializer: (body) => body });
  const spares = new Map();
  api.use({
    onRequest({ request, id }) {
      if (request.method !== "GET") spares.set(id, request.clone());
    },
    async onResponse({ request, response, id }) {
      const spare = spares.get(id) ?? request;
      spares.delete(id);
      if (response.status !== 401) return;
      await response.body?.cancel();
      await refresh();
      return send(spare);
    },
    onError({ id }) {
      spares.delete(id);
    },
  });
  const parseAs = "stream";
  return {
    get: (url, signal) => api.GET(url, { parseAs, signal }),
    getWith: (url, headers) => api.GET(url, { parseAs, headers }),
    post: (url, body, headers) => api.POST(url, { parseAs, headers, body }),
    read: ({ response }) => response.text(),
  };
}

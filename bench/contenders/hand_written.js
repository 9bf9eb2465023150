// A careful wrapper in JavaScript, as a good project would have it: one refresh at a time, an epoch for late 401s, a
// gate, a request that is kept to be sent again (cloned only if it has a body), and aborts in every wait.
import { fetchLike } from "./fetch_like.js";

export const create = (send) => fetchLike(wrap(send, "/auth/refresh"));

function wrap(send, refreshUrl) {
  let epoch = 0;
  let refreshing;

  async function refresh() {
    const response = await send(refreshUrl, { method: "POST" });
    await response.body?.cancel();
    if (response.ok) epoch += 1;
    return response.ok;
  }
  const renew = () => (refreshing ??= refresh().finally(() => (refreshing = undefined)));

  return async (input, init) => {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== location.origin) return send(request);
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const spare = hasBody ? request.clone() : request;
    if (refreshing) await unlessAborted(refreshing, request.signal);
    const sentUnder = epoch;
    const response = await send(request);
    if (response.status !== 401) return response;
    if (sentUnder === epoch && !(await unlessAborted(renew(), request.signal))) return response;
    await response.body?.cancel();
    return send(spare);
  };
}

function unlessAborted(promise, signal) {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

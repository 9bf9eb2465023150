/**
 * What the page asks of a contender, for one that is called as fetch is.
 * @param {typeof fetch} call
 */
export const fetchLike = (call) => ({
  get: (url, signal) => (signal ? call(url, { signal }) : call(url)),
  getWith: (url, headers) => call(url, { headers }),
  post: (url, body, headers) => call(url, { method: "POST", headers, body }),
  request: (request) => call(request),
  /** What arrived, read to its end. */
  read: (response) => response.text(),
});

// @ts-check
// The lab of the demo server: what makes things go wrong on purpose. Asked with plain fetch, since it is no part of what is shown.

/** Something that the page can say as it is. */
export class LabError extends Error {}

/**
 * @param {string} path
 * @param {unknown} [body]
 */
async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (response.ok) return;
  if (response.status === 404) throw new LabError("This server was started without --lab: it cannot be disturbed.");
  if (response.status === 401) throw new LabError("Sign in first: this acts on your session.");
  throw new LabError(`The lab answered ${response.status}.`);
}

export const expireAccess = () => post("/lab/expire-access");

/** The access token, a JWT, would outlive its family: it is expired too, so that the next request finds out. */
export async function revokeRefresh() {
  await post("/lab/revoke-refresh");
  await expireAccess();
}

/**
 * How the next refreshes behave. What is not named is as usual.
 * @typedef {object} RefreshBehaviour
 * @property {number} [latency_ms]
 * @property {number | "drop" | "hang"} [fail]
 * @property {string} [retry_after]
 * @property {number} [times] how many of the next refreshes fail
 */

/** @param {RefreshBehaviour} refresh */
export const setRefresh = (refresh) => post("/lab/set", { refresh });

/** The next sign-out is refused. */
export const refuseSignOut = () => post("/lab/set", { sign_out: { fail: 403, times: 1 } });

// @ts-check
// Three stories of who is signed in. Each does what it tells of, and asks the server in the end.

import { expireAccess, refuseSignOut, setRefresh } from "./lab.js";

/** Who can sign in here. */
export const USERS = /** @type {const} */ ({ ada: "correct horse", grace: "battery staple" });

/**
 * @typedef {object} Stage
 * @property {import("./session.js").Session} session
 * @property {(login: keyof typeof USERS) => Promise<boolean>} signIn
 * @property {() => boolean} isRefreshing
 * @property {() => Promise<unknown>} send One request, to be seen in the timeline.
 */

/**
 * A refresh of Ada's is on its way for a second and a half, and Grace signs in beside it.
 * @param {Stage} stage
 */
export async function graceSignsIn({ session, signIn, send, isRefreshing }) {
  await signIn("ada");
  await setRefresh({ latency_ms: 1_500, times: 1 });
  await expireAccess();
  const ofAda = send();
  // It meets its 401, and then the refresh is on its way.
  while (!isRefreshing()) await new Promise((resolve) => setTimeout(resolve, 10));
  await signIn("grace");
  await ofAda;
  return `The sign-in waited for the refresh. The server takes this browser for ${await session.whom()}.`;
}

/**
 * The server refuses a sign-out.
 * @param {Stage} stage
 */
export async function signOutIsRefused({ session, signIn }) {
  if (session.user === null) await signIn("ada");
  await refuseSignOut();
  const why = await session.signOut();
  return `${why} The server takes this browser for ${await session.whom()}.`;
}

/**
 * The refresh is answered 404, once.
 * @param {Stage} stage
 */
export async function refreshIsNotFound({ session, signIn, send }) {
  if (session.user === null) await signIn("ada");
  await setRefresh({ fail: 404, times: 1 });
  await expireAccess();
  await send();
  return `The refresh was tried again. The server takes this browser for ${await session.whom()}.`;
}

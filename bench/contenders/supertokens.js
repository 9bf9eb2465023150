// supertokens-website with cookies, as its own backend would be met: the server sends the `front-token` that it wants.
import SuperTokens from "supertokens-website";
import { fetchLike } from "./fetch_like.js";

export async function create(send) {
  // It puts its own fetch in the place of the page's, around the one that it finds there.
  const native = globalThis.fetch;
  globalThis.fetch = send;
  SuperTokens.init({ apiDomain: location.origin, apiBasePath: "/auth", tokenTransferMethod: "cookie" });
  const call = globalThis.fetch;
  globalThis.fetch = native;
  return fetchLike(call);
}

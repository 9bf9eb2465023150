import * as axios from "../contenders/axios.js";
import * as hand_written from "../contenders/hand_written.js";
import * as keepfresh from "../contenders/keepfresh.js";
import * as ky from "../contenders/ky.js";
import * as openapi_fetch from "../contenders/openapi_fetch.js";
import * as raw from "../contenders/raw.js";
import * as supertokens from "../contenders/supertokens.js";
import * as wretch from "../contenders/wretch.js";
import { send } from "./wire.js";

// `raw_again` is raw fetch once more, and so the noise of everything else.
const MODULES = { raw, raw_again: raw, keepfresh, hand_written, wretch, openapi_fetch, ky, axios, supertokens };

/** Each signed in, and through its first requests. */
export async function contenders() {
  const all = [];
  for (const [name, { create }] of Object.entries(MODULES)) {
    const contender = { name, ...(await create(send)) };
    const post = contender.post("/auth/sign-in", "{}", { "content-type": "application/json" });
    await contender.read(await post);
    all.push(contender);
  }
  return all;
}

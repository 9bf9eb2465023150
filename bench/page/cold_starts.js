// Cold starts. Every `*.localhost` is another site, and so another process: nothing is compiled or cached in advance.

import { shuffled } from "./sweep.js";

let count = 0;

export async function cold(contenders, rounds, record) {
  for (let round = -1; round < rounds; round += 1) {
    for (const { name } of shuffled(contenders)) {
      const spent = await start(name.replace("_again", ""));
      if (round >= 0) record("cold", name, spent);
    }
  }
}

async function start(contender) {
  const frame = document.createElement("iframe");
  frame.allow = "cross-origin-isolated";
  count += 1;
  frame.src = `http://cold-${count}.localhost:${location.port}/page/cold.html?contender=${contender}`;
  const answer = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no cold start of ${contender} within a minute`)), 60_000);
    window.addEventListener("message", function hear({ source, data }) {
      if (source !== frame.contentWindow) return;
      window.removeEventListener("message", hear);
      clearTimeout(late);
      if (data.error) reject(new Error(`cold start of ${contender}: ${data.error}`));
      resolve(data.spent);
    });
  });
  document.body.append(frame);
  const spent = await answer;
  frame.remove();
  return spent;
}

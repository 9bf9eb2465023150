// What every app here lets happen: many requests meet an access token that has expired.

const REQUESTS = 20;

/**
 * Signs in, lets the access token expire, sends the requests at once, and says what came of it.
 * @param {(input: string, init?: RequestInit) => Promise<Response>} send What the app calls its API with.
 */
export async function story(send) {
  await post("/auth/sign-in", { login: "ada", password: "correct horse" });
  await post("/lab/counters/reset?all=1", {});
  await post("/lab/expire-access", {});
  const answers = await Promise.all(Array.from({ length: REQUESTS }, () => send("/api/me")));
  const users = await Promise.all(answers.map(async (answer) => answer.ok && (await answer.json()).user.name));
  const { api, refresh_requests } = await (await fetch("/lab/counters?all=1")).json();
  if (!(api[401] > 0)) throw new Error("no request met the expired token");
  return `${users.filter((user) => user === "Ada Lovelace").length} of ${REQUESTS} answered, ${refresh_requests} refresh`;
}

/** Tells it to whoever looks at the page. */
export async function show(send) {
  const element = document.getElementById("story");
  element.textContent = await story(send).catch((error) => `${error.stack ?? error}`);
}

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
}

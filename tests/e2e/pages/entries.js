/** Signs in, lets the access token expire, and calls once with each entry of the package. */
export async function calls() {
  const post = (path, body) => {
    const headers = { "content-type": "application/json" };
    return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  await post("/auth/sign-in", { login: "ada", password: "correct horse" });
  const seen = {};
  for (const entry of ["index", "slim"]) {
    await post("/lab/expire-access", {});
    const { createClient, init } = await import(`/keepfresh/${entry}.js`);
    if (entry === "slim") init("/keepfresh/engine/keepfresh.wasm");
    const call = createClient({ refresh: "/auth/refresh" }).fetch("/api/me");
    seen[entry] = await call.then(
      (answer) => answer.status,
      (error) => [error.code, error.message, error.cause instanceof Error],
    );
  }
  return seen;
}

globalThis.calls = calls;

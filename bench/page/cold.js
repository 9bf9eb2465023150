// One cold start, in a process of its own: from `import` to the first answer.

await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 1_000 }));
const name = new URL(location.href).searchParams.get("contender");
try {
  const start = performance.now();
  const { create } = await import(`/contenders/${name}.js`);
  const contender = await create((input, init) => fetch(input, init));
  await contender.read(await contender.get("/api/open"));
  parent.postMessage({ spent: performance.now() - start }, "*");
} catch (error) {
  parent.postMessage({ error: String(error) }, "*");
}

/**
 * The refresh, for libraries that leave it to their users: one at a time, as their documentation advises.
 * @param {typeof fetch} send
 */
export function onceAtATime(send) {
  let underWay;
  return () => (underWay ??= refresh(send).finally(() => (underWay = undefined)));
}

async function refresh(send) {
  const response = await send("/auth/refresh", { method: "POST" });
  if (!response.ok) throw new Error(`the refresh was answered ${response.status}`);
  await response.body?.cancel();
}

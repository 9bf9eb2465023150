/**
 * Lets all do the same work, a little each at a time and in another order each time, so that a machine that is busy
 * for a moment is busy for everybody. Calls `record` with what each has spent, in milliseconds.
 */
export async function sweep(contenders, passes, work, record) {
  const spent = new Map(contenders.map(({ name }) => [name, 0]));
  for (let pass = 0; pass < passes; pass += 1) {
    for (const contender of shuffled(contenders)) {
      const start = performance.now();
      await work(contender);
      spent.set(contender.name, spent.get(contender.name) + performance.now() - start);
    }
  }
  for (const [name, milliseconds] of spent) record(name, milliseconds);
}

/** By Fisher and Yates. */
export function shuffled(list) {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}

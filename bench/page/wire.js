/** What `send` does at the moment: the browser's fetch, or one that answers at once. */
const real = globalThis.fetch.bind(globalThis);
let now = real;

/** The fetch that every contender is given. */
export const send = (input, init) => now(input, init);

// Its body is null, so that it can be read, and cloned, any number of times.
const answer = new Response(null, { status: 200 });
const instant = () => Promise.resolve(answer);

export const useInstant = () => (now = instant);
export const useReal = () => (now = real);
export const use = (fetch) => (now = fetch);

/** Asks the bench's server for something, past every contender. */
export async function ask(path, body) {
  const response = await real(path, { method: "POST", body });
  if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
  const text = await response.text();
  return text && JSON.parse(text);
}

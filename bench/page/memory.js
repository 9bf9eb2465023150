// What a hundred thousand calls leave behind, a tenth of them rejected or aborted, some of them through a refresh.

import { shuffled } from "./sweep.js";
import { use, useReal } from "./wire.js";

const GROUP = 10;
const WARM = 1_000;
const CALLS = 100_000;
const RUNS = 5;
/** The others take minutes, and nothing is claimed of them. */
const MEASURED = ["raw", "raw_again", "keepfresh", "hand_written"];

const listening = AbortSignal.prototype.addEventListener;
let listeners = 0;
let expired = false;

export async function memory(contenders, rounds, record) {
  if (!globalThis.gc || !performance.memory) throw new Error("start the browser with gc and precise memory");
  use(instant);
  countListeners();
  // One signal for the life of the page: what is left on it is a leak.
  const forLife = new AbortController().signal;
  for (let run = 0; run < Math.min(rounds, RUNS); run += 1) {
    for (const contender of shuffled(contenders.filter(({ name }) => MEASURED.includes(name)))) {
      await calls(contender, WARM, forLife);
      const before = await measured();
      await calls(contender, CALLS, forLife);
      const after = await measured();
      record("memory_heap", contender.name, (after.heap - before.heap) / 1024);
      record("memory_wasm", contender.name, (after.wasm - before.wasm) / 1024);
      record("memory_listeners", contender.name, after.listeners - before.listeners);
    }
  }
  useReal();
}

async function calls(contender, count, forLife) {
  for (let group = 0; group < count / GROUP; group += 1) {
    expired = group % 100 === 99;
    const last = new AbortController();
    const each = Array.from({ length: GROUP }, (_, n) => {
      if (n < GROUP - 1) return contender.get("/api/small", forLife);
      return contender.get(group % 2 ? "/api/hang" : "/api/reject", last.signal);
    });
    last.abort();
    await Promise.allSettled(each);
    expired = false;
  }
}

/** Answers at once; a request to `reject` or `hang` is rejected, by itself or when it is aborted. */
function instant(input, init) {
  const url = typeof input === "string" ? input : input.url;
  if (url.endsWith("/auth/refresh")) expired = false;
  else if (url.endsWith("/reject")) return Promise.reject(new TypeError("rejected, as it was asked to be"));
  else if (url.endsWith("/hang")) return aborted(init?.signal ?? input.signal);
  const answer = new Response(null, { status: expired ? 401 : 200 });
  // What starts a refresh takes a moment, as it does with any server.
  return expired ? new Promise((resolve) => setTimeout(resolve, 5, answer)) : Promise.resolve(answer);
}

function aborted(signal) {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((_, reject) => {
    listening.call(signal, "abort", () => reject(signal.reason), { once: true });
  });
}

/** How many more listeners have been added to signals than removed, by whoever it was but this file. */
function countListeners() {
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (...args) {
    if (this instanceof AbortSignal) listeners += 1;
    return addEventListener.apply(this, args);
  };
  EventTarget.prototype.removeEventListener = function (...args) {
    if (this instanceof AbortSignal) listeners -= 1;
    return removeEventListener.apply(this, args);
  };
}

const memories = new Set();
{
  // Before any engine is loaded: modules that are imported run first to last.
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const result = await instantiate.apply(WebAssembly, args);
    const { exports } = result.instance ?? result;
    for (const part of Object.values(exports)) if (part instanceof WebAssembly.Memory) memories.add(part);
    return result;
  };
}

async function measured() {
  // A turn of the event loop in between: what is pending keeps garbage alive.
  for (let n = 0; n < 3; n += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    gc();
  }
  if (memories.size === 0) throw new Error("no engine has been seen to load");
  const wasm = [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  return { heap: performance.memory.usedJSHeapSize, wasm, listeners };
}

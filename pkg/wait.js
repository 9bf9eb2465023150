// @ts-check

/**
 * What a promise comes to. `undefined` once the time is up; the signal's reason, if it is aborted before.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} [milliseconds] None: there is no such time.
 * @param {AbortSignal} [signal]
 * @returns {Promise<T | undefined>}
 */
export const within = (promise, milliseconds, signal) =>
  new Promise((resolve, reject) => {
    /** @type {any} */
    let timer;
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const abort = () => {
      stop();
      reject(/** @type {AbortSignal} */ (signal).reason);
    };
    if (milliseconds !== undefined) timer = setTimeout(() => (stop(), resolve(undefined)), milliseconds);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    promise.then(
      (value) => (stop(), resolve(value)),
      (error) => (stop(), reject(error)),
    );
  });

/** When the page is there for somebody to see: one that is prerendered has yet to be activated. */
export const activation = () =>
  new Promise((resolve) => {
    const { document } = globalThis;
    if (!(/** @type {any} */ (document)?.prerendering)) return resolve(undefined);
    document.addEventListener("prerenderingchange", resolve, { once: true });
  });

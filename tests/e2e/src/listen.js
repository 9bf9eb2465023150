// The first script of a page: it notes what goes wrong there, as its console would show it. Not every driver tells.
(() => {
  const errors = [];
  Object.defineProperty(globalThis, "errorsSeen", { value: errors });
  // Captured: a file that cannot be loaded says so to its own element alone.
  const listen = (type, describe) => addEventListener(type, (event) => errors.push(`${type}: ${describe(event)}`), true);
  listen("error", ({ message, filename, target }) => (message ? `${message} (${filename})` : (target.src ?? target.href)));
  listen("unhandledrejection", ({ reason }) => String(reason));
  listen("securitypolicyviolation", ({ violatedDirective, blockedURI }) => `${violatedDirective} ${blockedURI}`);
  const { error } = console;
  console.error = (...what) => {
    errors.push(`console: ${what.join(" ")}`);
    error.apply(console, what);
  };
})();

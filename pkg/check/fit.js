// The call of createClient that fits what was seen.

/** As a module, to be pasted. */
export function fit(facts, options) {
  const lines = [];
  const before = [];
  const address = ({ url }) => JSON.stringify(url.origin === facts.origin ? url.pathname + url.search : url.href);
  const { csrf, refresh } = facts;
  const own = csrf.refresh;
  const general = csrf.write ?? csrf.signOut ?? csrf.signIn ?? accessCookie(facts, own) ?? own;
  const parts = [];
  if (refresh.method !== "POST") parts.push(`method: "${refresh.method}"`);
  if (options.refresh.body !== undefined) parts.push(`body: ${JSON.stringify(options.refresh.body)}`);
  if (own && scheme(own) !== scheme(general)) parts.push(`csrf: ${scheme(own)}`);
  if (facts.keyAllowed && facts.key?.accepted && options.refresh.url.origin !== facts.origin) parts.push("idempotencyKey: true");
  const url = address(options.refresh);
  lines.push(`refresh: ${parts.length > 0 ? `{ url: ${url}, ${parts.join(", ")} }` : url},`);
  if (options.api.url.origin !== options.refresh.url.origin) lines.push(`guard: ["${options.api.url.origin}"],`);
  if (options.signIn) lines.push(`signIn: ${address(options.signIn)},`);
  if (options.signOut) lines.push(`signOut: ${address(options.signOut)},`);
  if (general) lines.push(`csrf: ${scheme(general)},`);
  lines.push(...expiry(facts, options));
  const refusals = [facts.bareRefresh, facts.spoiltRefresh].filter((it) => it && ![400, 401, 403].includes(it.status));
  if (refusals.length > 0) {
    const statuses = JSON.stringify([...new Set(refusals.map((it) => it.status))]);
    lines.push(`interpret: ({ of, response }) =>`);
    lines.push(`  of === "refresh" && ${statuses}.includes(response.status) ? { outcome: "expired" } : undefined,`);
  }
  if (options.prepare) {
    const field = [general, own].find((it) => it?.field)?.field;
    const asked = `await fetch(${address(options.prepare)})`;
    before.push(field ? `const { ${field}: token } = await (${asked}).json();`.replace("token: token", "token") : `${asked};`, "");
  }
  return [
    'import { createClient } from "keepfresh";',
    "",
    ...before,
    "export const client = createClient({",
    ...lines.map((line) => `  ${line}`),
    "});",
  ].join("\n");
}

/** Where each token has a CSRF cookie of its own, that of the access token. */
function accessCookie({ cookies }, own) {
  const found = cookies.find(({ name, httpOnly }) => /csrf/i.test(name) && /access/i.test(name) && !httpOnly);
  return own && found ? { header: own.header, cookie: found.name } : undefined;
}

function scheme({ header, cookie, field }) {
  const from = cookie ? `cookie: "${cookie}"` : field ? "value: () => token" : "value: () => \"…\" /* as in your config */";
  return `{ header: "${header}", ${from} }`;
}

/** What tells an expired token where it is not a 401. */
function expiry({ missing, spoilt, expired }, options) {
  if (options.isExpired) return ["isExpired, // as in your config"];
  if (options.expiredStatuses) return [`expiredStatuses: ${JSON.stringify(options.expiredStatuses)},`];
  const odd = [missing, expired ?? spoilt].find((it) => it && it.status !== 401);
  if (!odd) return [];
  const { status, code, text, type, to } = odd;
  if (to) return [`isExpired: ({ status, redirected, url }) => status === 401 || (redirected && new URL(url).pathname === ${JSON.stringify(to)}),`];
  if (code?.path === "graphql") {
    return [
      "isExpired: async (response) => {",
      '  if (!response.headers.get("content-type")?.includes("json")) return response.status === 401;',
      "  const { errors = [] } = await response.clone().json();",
      `  return errors.some(({ extensions }) => extensions?.code === "${code.value}");`,
      "},",
    ];
  }
  const more = code
    ? `(await response.clone().json()).${code.path} === "${code.value}"`
    : text !== undefined && text !== ""
      ? `(await response.clone().text()) === ${JSON.stringify(text)}`
      : status < 400 && type
        ? `response.headers.get("content-type")?.includes("${type}")`
        : undefined;
  if (!more) return [`expiredStatuses: ${JSON.stringify([401, status])},`];
  return ["isExpired: async (response) =>", `  response.status === 401 || (response.status === ${status} && ${more}),`];
}

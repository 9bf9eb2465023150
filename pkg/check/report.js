// What was found, for people and for machines.

/** @param {ReturnType<typeof import("./promises.js").verdicts>} promises */
export function asText(promises, facts, client) {
  const lines = promises.flatMap(({ level, title, verdict, why, lost, mend }) => {
    const mark = verdict === "not kept" ? `not kept (${level})` : verdict;
    const line = `${mark.padEnd(18)}  ${title}${why ? `: ${why}` : ""}`;
    return verdict === "not kept" ? [line, `${" ".repeat(20)}lost: ${lost}`, `${" ".repeat(20)}mend: ${mend}`] : [line];
  });
  return [...lines, "", ...found(facts), "", summary(promises), "", "The client that fits:", "", client].join("\n");
}

export function asJson(promises, facts, client) {
  return JSON.stringify({ version: 1, promises, counts: count(promises), facts, createClient: client }, null, 2);
}

/** Whether a must is not kept. */
export const isBroken = (promises) => promises.some((it) => it.level === "must" && it.verdict === "not kept");

function found({ accessCookies, refreshCookies, csrf }) {
  const names = (list) => list.join(", ") || "none was found";
  const wanted = Object.entries(csrf).filter(([, it]) => it);
  const schemes = wanted.map(([of, it]) => `${of} (${it.header}${it.cookie ? ` from the cookie ${it.cookie}` : ""})`);
  return [
    `Access cookie: ${names(accessCookies)}. Refresh cookie: ${names(refreshCookies)}.`,
    `A CSRF header is wanted by: ${schemes.join(", ") || "nothing that was asked"}.`,
  ];
}

function count(promises) {
  const of = (verdict, level) => promises.filter((it) => it.verdict === verdict && (!level || it.level === level)).length;
  return { kept: of("kept"), notKept: of("not kept"), mustsNotKept: of("not kept", "must"), cannotTell: of("cannot tell") };
}

function summary(promises) {
  const { kept, notKept, mustsNotKept, cannotTell } = count(promises);
  return `${kept} kept, ${notKept} not kept (${mustsNotKept} of them a must), ${cannotTell} cannot be told.`;
}

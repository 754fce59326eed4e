/** What is to be said of the rows of one use, and whether somebody has to look at them. */
import type { Counted } from "./count-uses.ts";
import type { Use } from "./use.ts";

/** Where more of the rows are wrong than this, something is. */
const few = 0.05;

export function describeUse(use: Use, counted: Counted): { text: string; bad: boolean } {
  const { rows, whole, used, empty, ofNobody, ofNoPost, held, unlisted } = counted;
  const notes: string[] = [];
  let bad = false;
  const note = (text: string, isBad: boolean) => {
    notes.push(text);
    bad ||= isBad;
  };
  const emptying = use.where.flatMap((condition, number) =>
    held[number] === 0 ? [`${condition.replace(/ -- unsure: .*$/s, "")} holds of none`] : [],
  );
  // hardly anybody is against anything
  if (rows > 0 && used === 0 && use.as !== "dismissals")
    note(emptying.join(" and ") || "no row meets all conditions", true);
  for (const { column, left, rows: sampled } of use.unheld ?? [])
    note(`a condition on ${column.name} is left out, since ${left} of ${sampled} rows meet it`, true);
  const share = (part: number, what: string) => {
    if (part > 0) note(`${percent(part, used)} ${what}`, part > few * used);
  };
  share(empty, "have no text");
  share(ofNobody, "are by nobody whom the table of people has");
  share(ofNoPost, "are of posts that are not there");
  if (unlisted.rows > 0) {
    const otherwise = use.kinds?.otherwise;
    const such = unlisted.examples.length > 0 ? `, such as ${unlisted.examples.join(", ")},` : "";
    note(
      `${percent(unlisted.rows, used)} are of kinds that recsys.kinds does not list${such} and count as ${otherwise ? `'${otherwise}'` : "nothing"}`,
      !otherwise,
    );
  }
  const of = whole ? (used === rows ? "" : ` of ${number(rows)}`) : ` of a sample of ${number(rows)}`;
  return { text: `${use.as}: ${number(used)}${of}${notes.map((text) => `; ${text}`).join("")}`, bad };
}

function number(value: number): string {
  return value.toLocaleString("en");
}

/** A share in whole percent, but never 0 or 100 where it is neither. */
function percent(part: number, all: number): string {
  const share = (100 * part) / all;
  if (part === all) return "all";
  if (share < 1) return "less than 1 %";
  return share > 99 ? "more than 99 %" : `${Math.round(share)} %`;
}

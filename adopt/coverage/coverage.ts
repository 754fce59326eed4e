/** The list of what a draft makes of each table of an app, with the rows counted, for a reader who has to decide whether that is right. */
import { type Catalog, nameOf } from "../catalog/catalog.ts";
import { oneLine } from "../catalog/quote.ts";
import type { Questions } from "../catalog/read-samples.ts";
import type { Roles } from "../find/find-roles.ts";
import { countUse, rowsInWords, type UseCount } from "./count-uses.ts";
import { type TableDisposition, tableDispositions } from "./table-dispositions.ts";
import type { TableUse } from "./use.ts";

/** In the order in which a developer has to look at them. */
const verdicts = ["used, but", "not understood", "left out", "used"] as const;

interface Entry {
  verdict: (typeof verdicts)[number];
  table: string;
  rows: string;
  what: string[];
}

export async function coverageOf(questions: Questions, catalog: Catalog, roles: Roles, uses: TableUse[]) {
  const fates = tableDispositions(catalog, roles, uses);
  const entries: Entry[] = [];
  for (const fate of fates)
    if (fate.is === "used") entries.push(await usedEntry(questions, fate, roles));
    else if (fate.is !== "irrelevant")
      entries.push({ verdict: fate.is, table: nameOf(fate.table), rows: rowsInWords(fate.table), what: [fate.why] });
  entries.sort(
    (one, other) =>
      verdicts.indexOf(one.verdict) - verdicts.indexOf(other.verdict) ||
      numberOf(other.rows) - numberOf(one.rows) ||
      one.table.localeCompare(other.table),
  );
  const irrelevant = fates.flatMap(({ is, table }) =>
    is === "irrelevant" ? [`${nameOf(table)} (${rowsInWords(table)})`] : [],
  );
  const tally = verdicts.map((verdict) => `${entries.filter((entry) => entry.verdict === verdict).length} ${verdict}`);
  return {
    lines: [
      "What became of each table that has a person or a post, the worst first, with its rows (~: about):",
      ...aligned(entries),
      ...(irrelevant.length > 0
        ? [`Left out, since they name a person and no post: ${oneLine(irrelevant.join(", "))}.`]
        : []),
    ],
    summary: `tables with a person or a post: ${tally.join("; ")}; ${irrelevant.length} without a post`,
  };
}

async function usedEntry(
  questions: Questions,
  { table, uses }: TableDisposition & { is: "used" },
  roles: Roles,
): Promise<Entry> {
  const what: string[] = [];
  let isBad = false;
  let rows = rowsInWords(table);
  for (const use of uses) {
    const counted = await countUse(questions, use, roles.people);
    if ("why" in counted) {
      what.push(`${use.as}: not counted, since ${counted.why}`);
      continue;
    }
    if (counted.whole && !use.join) rows = counted.rows.toLocaleString("en");
    const { text, bad } = describeUse(use, counted);
    what.push(text);
    isBad ||= bad;
  }
  return { verdict: isBad ? "used, but" : "used", table: nameOf(table), rows, what };
}

function numberOf(rows: string): number {
  return Number(rows.replace(/\D/g, "")) || 0;
}

function aligned(entries: Entry[]): string[] {
  const width = (of: "verdict" | "table" | "rows") => Math.max(0, ...entries.map((entry) => entry[of].length));
  const [first, second, third] = [width("verdict"), width("table"), width("rows")];
  return entries.flatMap(({ verdict, table, rows, what }) =>
    what.map(
      (line, number) =>
        `  ${(number === 0 ? verdict : "").padEnd(first)}  ${(number === 0 ? table : "").padEnd(second)}  ${(number === 0 ? rows : "").padStart(third)}  ${oneLine(line)}`,
    ),
  );
}

// The report on the rows of one use, and whether a developer has to look at them.

/** Where more of the rows are wrong than this, something is. */
const few = 0.05;

function describeUse(use: TableUse, counted: UseCount): { text: string; bad: boolean } {
  const { rows, whole, used, empty, ofNobody, toNobody, ofNoPost, held, unlisted } = counted;
  const notes: string[] = [];
  let bad = false;
  const note = (text: string, isBad: boolean) => {
    notes.push(text);
    bad ||= isBad;
  };
  const emptying = use.where.flatMap((condition, number) =>
    held[number] === 0 ? [`${condition.replace(/ -- unsure: .*$/s, "")} holds of none`] : [],
  );
  // almost no user is against anything
  if (rows > 0 && used === 0 && use.as !== "dismissals")
    note(emptying.join(" and ") || "no row meets all conditions", true);
  for (const { column, left, rows: sampled } of use.unheld ?? [])
    note(`a condition on ${column.name} is left out, since ${left} of ${sampled} rows meet it`, true);
  const share = (part: number, what: string) => {
    if (part > 0) note(`${percent(part, used)} ${what}`, part > few * used);
  };
  share(empty, "have no text");
  share(ofNobody, "are by nobody whom the table of people has");
  share(toNobody, "name nobody whom the table of people has");
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

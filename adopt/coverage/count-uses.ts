/** Counts the rows of an app's tables as a draft would read them, within limits that keep the load small. */
import { isSayable, keyOf, type Table } from "../catalog/catalog.ts";
import { at, literal, qualified } from "../catalog/quote.ts";
import type { Questions } from "../catalog/read-samples.ts";
import type { People, PersonColumn } from "../find/find-people.ts";
import type { TableUse } from "./use.ts";

/** 16 MB of a table; a larger one is sampled. */
const mostPages = 2000;
const someKinds = 5;
/** Of so many it is looked which may be repeated. */
const commonest = 100;

export interface UseCount {
  /** All that were looked at, and whether that is the whole table. */
  rows: number;
  whole: boolean;
  /** The rows that the views would read; and those without a text, by or to a missing person, of a missing post. */
  used: number;
  empty: number;
  ofNobody: number;
  toNobody: number;
  ofNoPost: number;
  /** Of how many rows each condition holds. */
  held: number[];
  /** Kinds that recsys.kinds will not list: how many rows have one, and the commonest of those that may be repeated. */
  unlisted: { rows: number; examples: string[] };
}

export async function countUse(
  questions: Questions,
  use: TableUse,
  people: People | undefined,
): Promise<UseCount | { why: string }> {
  const sample = await questions.sample(use.table, use.table.name, mostPages);
  if ("why" in sample) return sample;
  const { sql, whole } = sample;
  const from = `from ${sql}${use.join ? ` ${use.join}` : ""}`;
  // the views drop interactions without a person or a time, and keep posts without an author
  const done = (use.post && use.person ? [use.person.column, ...(use.time ? [use.time] : [])] : []).map(
    (column) => `${at(use.table.name, column)} is not null`,
  );
  const where = [...use.where, ...done].map((condition) => `(${condition}\n)`).join(" and ") || "true";
  const counts = {
    rows: "true",
    used: where,
    empty: use.isEmpty ? `${where} and (${use.isEmpty})` : "false",
    of_nobody: use.person && people ? `${where} and ${isNobody(use.table, use.person, people)}` : "false",
    to_nobody: use.whom && people ? `${where} and ${isNobody(use.table, use.whom, people)}` : "false",
    of_no_post: use.post ? `${where} and ${isNoPost(use.table, use.post)}` : "false",
    ...Object.fromEntries(use.where.map((condition, number) => [`held_${number}`, `(${condition}\n)`])),
  };
  const found = await questions.ask<Record<string, number>>(
    `select ${Object.entries(counts)
      .map(([name, holds]) => `count(*) filter (where ${holds})::int as ${name}`)
      .join(", ")} ${from}`,
  );
  if ("why" in found) return found;
  const [row] = found;
  return {
    rows: row.rows,
    whole,
    used: row.used,
    empty: row.empty,
    ofNobody: row.of_nobody,
    toNobody: row.to_nobody,
    ofNoPost: row.of_no_post,
    held: use.where.map((_, number) => row[`held_${number}`]),
    unlisted: await unlistedKinds(questions, use, from, where),
  };
}

async function unlistedKinds(
  questions: Questions,
  { kinds }: TableUse,
  from: string,
  where: string,
): Promise<UseCount["unlisted"]> {
  const none = { rows: 0, examples: [] };
  if (!kinds) return none;
  const listed =
    kinds.listed.length > 0 ? ` and ${kinds.sql} <> all (array[${kinds.listed.map(literal).join(", ")}]::text[])` : "";
  const found = await questions.ask<{ kind: string; times: number; all: number }>(
    `select left(${kinds.sql}, 200) as kind, count(*)::int as times, (sum(count(*)) over ())::int as all ${from} where ${where}${listed} and ${kinds.sql} is not null group by 1 order by 2 desc, 1 limit ${commonest}`,
  );
  if ("why" in found || found.length === 0) return none;
  const sayable = found.filter(({ kind }) => isSayable(kind)).slice(0, someKinds);
  return { rows: found[0].all, examples: sayable.map(({ kind, times }) => `${kind} (${times.toLocaleString("en")})`) };
}

function isNobody(table: Table, { column, holds }: PersonColumn, people: People): string {
  const key = holds === "user id" ? people.userId : people.key;
  if (!key || people.table === table) return "false";
  // null is no person either
  return `not exists (select from ${qualified(people.table)} as known where ${at("known", key)} = ${at(table.name, column)})`;
}

function isNoPost(table: Table, { column, of, at: alias }: NonNullable<TableUse["post"]>): string {
  const gone = of.flatMap(({ table: posts, holds }) => {
    const key = keyOf(posts);
    const there =
      key &&
      `exists (select from ${qualified(posts)} as shown where ${at("shown", key)} = ${at(alias ?? table.name, column)})`;
    return there ? [`${holds ? `${holds} and ` : ""}not ${there}`] : [];
  });
  return `(${gone.join(" or ") || "false"})`;
}

/** How many rows a table has that nothing counts, about. */
export function rowsInWords(table: Table): string {
  if (table.sample?.whole) return table.sample.rows.toLocaleString("en");
  return table.rows === null || table.rows < 0 ? "?" : `~${Math.round(table.rows).toLocaleString("en")}`;
}

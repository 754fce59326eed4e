/** Doubts about tables of posts, for the developer who reads a draft. */
import { type Column, nameOf, sampleOf, sayableValues, type Table } from "../catalog/catalog.ts";
import {
  audienceCondition,
  doubtedFlags,
  overlyStrictConditions,
  pickColumn,
  visibleRowConditions,
} from "../catalog/pick-columns.ts";
import { columns, names, tableWords } from "../catalog/words.ts";
import { rowsInWords } from "../coverage/count-uses.ts";
import { enoughForPosts } from "../find/find-posts.ts";
import type { Roles } from "../find/find-roles.ts";
import type { Draft } from "./draft.ts";
import { kindOfPosts } from "./post-ids.ts";
import { conditionSql } from "./sql-text.ts";

export function doubtUnheld(draft: Draft, table: Table): void {
  for (const condition of overlyStrictConditions(table))
    draft.doubt(
      table,
      `${conditionSql(table.name, condition)} holds of ${condition.left} of ${condition.rows} rows, so it is left out: the app does not seem to use it as its name says`,
    );
}

/** Doubts about the choice between tables that could hold posts. */
export function doubtContents(draft: Draft, { candidates, contents, actions }: Roles): void {
  const [{ table }] = contents;
  const [best, second] = candidates.posts;
  const isPost = (other: Table) => contents.some((posts) => posts.table === other);
  if (second && best.points - second.points < 2 && second.points >= enoughForPosts && !isPost(second.table))
    draft.doubt(
      table,
      `${nameOf(second.table)} could be the posts as well (${second.points} points to ${best.points})`,
    );
  const tables = contents.map((posts) => nameOf(posts.table)).join(", ");
  if (contents.length > 1) {
    const [posts, example] = [contents.find(({ key }) => key.kind !== "uuid"), kindOfPosts(draft, table)];
    const ids = posts ? `, and ids begin with it, such as ${kindOfPosts(draft, posts.table)}/1` : "";
    draft.doubt(
      "posts",
      `they are the rows of ${tables}: a tag such as ${example} names the table of a post${ids}; remove the select of a table that does not belong in a feed`,
    );
  }
  const others = candidates.leftOut.filter((other) => !actions.deeds.some((deeds) => deeds.table === other.table));
  if (others.length > 0)
    draft.doubt(
      table,
      `posts are the rows of ${contents.length > 1 ? tables : "this one table"}, and what else could be posts is left out: ${others.map((other) => `${nameOf(other.table)} (${rowsInWords(other.table)} rows)`).join(", ")}`,
    );
}

/** Doubts about the rows of one table of posts. */
export function doubtTable(draft: Draft, table: Table): void {
  if (tableWords(table.name).some((word) => names.chat.has(word)))
    draft.doubt(table, "messages of a chat are the only texts there are; they are seldom worth recommending");
  if (!table.rowSecurity) draft.doubt(table, "row level security is off: everybody is recommended all of it");
  else if (table.readPolicies.length === 0)
    draft.doubt(table, "no policy lets members read it, so every feed is empty");
  const sort = pickColumn(table, columns.sort, ["text", "enum", "number"]);
  if (sort)
    draft.doubt(
      table,
      `${sort.name} holds the type of a post${named(sort)}: exclude the types that do not belong in a feed`,
    );
  const audience = pickColumn(table, columns.audience, ["text", "enum", "number", "boolean"]);
  if (audience && !audienceCondition(table))
    draft.doubt(
      table,
      `${audience.name} says who may see a post${named(audience)}: the view leaves that to row level security`,
    );
  const states = columns.state.flatMap((name) => pickColumn(table, [name], ["text", "enum", "number"]) ?? []);
  for (const state of states)
    if (!statesKnown(table).includes(state))
      draft.doubt(table, `${state.name}: its visible values are not known, so all are shown${counted(table, state)}`);
  const adult = pickColumn(table, columns.adult, ["text", "enum"]);
  if (adult) draft.doubt(table, `${adult.name} hides nothing here${counted(table, adult)}`);
  for (const { condition, hidden, rows } of doubtedFlags(table)) {
    // a policy already uses the flag
    if (table.rowSecurity && table.readPolicies.some(({ using }) => wordsOfSql(using).includes(condition.column.name)))
      continue;
    const sql = conditionSql(table.name, condition);
    const count = hidden === undefined ? "some rows" : `${hidden} of ${rows} rows`;
    draft.doubt(table, `${condition.column.name} hides nothing here: "and ${sql}" would hide ${count}`);
  }
}

function statesKnown(table: Table): Column[] {
  return [...visibleRowConditions(table), ...overlyStrictConditions(table)].map(({ column }) => column);
}

function wordsOfSql(sql: string): string[] {
  return sql.split(/[^\p{L}\p{N}_$]+/u);
}

/** How many of the sampled rows have each of the values of a column that a draft may repeat. */
function counted(table: Table, column: Column): string {
  const sayable = sayableValues(column);
  const values = (sampleOf(table, column)?.values ?? []).filter(([value]) => sayable.includes(value));
  return values.length > 0 ? `: ${values.map(([value, times]) => `${value} (${times})`).join(", ")}` : "";
}

function named(column: Column): string {
  const values = sayableValues(column);
  return values.length > 0 ? ` (${values.join(", ")})` : "";
}

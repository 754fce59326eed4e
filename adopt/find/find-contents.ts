/** Which tables hold posts: the likeliest one, and others of the same shape whose rows members read as they read its rows. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { bodyOf, titleOf } from "../catalog/pick-columns.ts";
import { findActions, type SkippedTable } from "./find-actions.ts";
import { type KnownApp, personsOf, type TableCandidate } from "./find-people.ts";
import { enoughForPosts } from "./find-posts.ts";
import { postColumnOf } from "./interaction-tables.ts";

/** The points of a table with an author, a time, a title and a body. */
const enoughForMore = 7;

/** The tables of posts, the likeliest first, and the candidates that are left out. Without a likely one there are none. */
export function findContents(
  app: KnownApp,
  candidates: TableCandidate[],
): { tables: Table[]; leftOut: SkippedTable[] } {
  const [best, ...others] = candidates.filter(({ points }) => points >= enoughForPosts);
  if (!best) return { tables: [], leftOut: [] };
  const tables = [best.table];
  const leftOut: SkippedTable[] = [];
  for (const candidate of others) {
    const why = whyNot(app, candidate, tables);
    if (why) leftOut.push({ table: candidate.table, why });
    else tables.push(candidate.table);
  }
  return { tables, leftOut };
}

function whyNot(app: KnownApp, { table, points }: TableCandidate, tables: Table[]): string | undefined {
  const [best] = tables;
  const first = nameOf(best);
  const answered = tables.find((other) => answers(app, table, other));
  if (answered) return `each of its rows names one of ${nameOf(answered)}`;
  if (points < enoughForMore) return `it has ${points} points, and a second table of posts needs ${enoughForMore}`;
  for (const [part, of] of Object.entries({ title: titleOf, text: textOf }))
    if (Boolean(of(table)) !== Boolean(of(best)))
      return `it has ${of(table) ? "a" : "no"} ${part}, and ${first} has ${of(best) ? "one" : "none"}`;
  const [author, others] = [personsOf(app, table)[0], personsOf(app, best)[0]];
  if (!author || !others || author.holds !== others.holds || author.column.kind !== others.column.kind)
    return `its authors are not named as those of ${first} are`;
  if (best.membersMayReadSome && !table.membersMayReadSome) return "members may read none of it";
  if (best.rowSecurity && !table.rowSecurity) return `row level security is off for it, and on for ${first}`;
  if (policiesOf(table) === policiesOf(best) && best.rowSecurity) return undefined;
  return findActions(app, table, undefined, [...tables, table]).deeds.some(
    ({ postIsSure, ofPosts }) => ofPosts?.sure ?? postIsSure,
  )
    ? undefined
    : `no table says what people did with its rows, and its policies are not those of ${first}`;
}

/** Whether its rows are about posts of another table: each references one, or they reference some and have no title. */
function answers(app: KnownApp, table: Table, posts: Table): boolean {
  const target = postColumnOf(app, table, posts);
  return target !== undefined && (target.post.notNull || !titleOf(table));
}

function textOf(table: Table): Column | undefined {
  const body = bodyOf(table);
  return body?.sure ? body.column : undefined;
}

/** The conditions of its policies for reading, without the table's name, so that those of two tables can be compared. */
function policiesOf({ name, readPolicies }: Table): string {
  return readPolicies
    .map(({ using }) => using.split(/([\p{L}\p{N}_$]+)/u).map((part) => (part === name ? "" : part)))
    .map((parts) => parts.join(""))
    .sort()
    .join("\n");
}

/** Queries rows where names do not tell: how often a person column names the author of the post, and whether an account has several rows. */
import { type Catalog, type ComparedRows, isOnce, type Table } from "../catalog/catalog.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import type { Questions } from "../catalog/read-samples.ts";
import { personsOf } from "./find-people.ts";
import { findRoles, type PostTable, type Roles } from "./find-roles.ts";
import { postColumnOf } from "./interaction-tables.ts";

const mostPages = 100;

/** Sets `compared` of the tables of a catalog. */
export async function compareRows(questions: Questions, catalog: Catalog): Promise<void> {
  const roles = findRoles(catalog);
  const { people, contents } = roles;
  if (people?.userId && people.userId !== people.key && !isOnce(people.table, people.userId))
    people.table.compared = {
      byAuthor: {},
      severalRows: await countSeveralRows(questions, people.table, people.userId.name),
    };
  for (const table of catalog) {
    if (table === people?.table || contents.some((posts) => posts.table === table)) continue;
    const byAuthor: ComparedRows["byAuthor"] = {};
    for (const posts of contents)
      for (const [column, { rows, same }] of Object.entries(await countByAuthor(questions, table, roles, posts))) {
        const before = byAuthor[column] ?? { rows: 0, same: 0 };
        byAuthor[column] = { rows: before.rows + rows, same: before.same + same };
      }
    if (Object.keys(byAuthor).length > 0) table.compared = { byAuthor };
  }
}

async function countSeveralRows(questions: Questions, table: Table, userId: string): Promise<number> {
  const column = identifier(userId);
  const counted = await questions.ask<{ several: number }>(
    `select count(*)::int as several from (select from ${qualified(table)} where ${column} is not null group by ${column} having count(*) > 1) as account`,
  );
  return "why" in counted ? 0 : counted[0].several;
}

/** By person column: the number of rows with an existing post, and the number of these where the person is its author. */
async function countByAuthor(
  questions: Questions,
  table: Table,
  roles: Roles,
  { table: posts, key, author }: PostTable,
): Promise<Record<string, { rows: number; same: number }>> {
  const target = postColumnOf(roles, table, posts);
  const persons = personsOf(roles, table).filter(
    ({ column, holds }) => author?.holds === holds && author.column.kind === column.kind,
  );
  if (!author || !target || target.ofPosts || persons.length === 0) return {};
  const sample = await questions.sample(table, "done", mostPages);
  if ("why" in sample) return {};
  const counts = persons.flatMap(({ column }, number) => [
    `count(${at("done", column)})::int as rows_${number}`,
    `count(*) filter (where ${at("done", column)} = ${at("written", author.column)})::int as same_${number}`,
  ]);
  const counted = await questions.ask<Record<string, number>>(
    `select ${counts.join(", ")} from ${sample.sql} join ${qualified(posts)} as written on ${at("written", key)} = ${at("done", target.post)}`,
  );
  if ("why" in counted) return {};
  return Object.fromEntries(
    persons.map(({ column }, number) => [
      column.name,
      { rows: counted[0][`rows_${number}`], same: counted[0][`same_${number}`] },
    ]),
  );
}

/** Posts that answer posts, or pass them on, where they are rows of one table. */
import type { Column } from "../catalog/catalog.ts";
import { livingConditions, publishedOf } from "../catalog/pick-columns.ts";
import type { Action } from "../catalog/words.ts";
import type { Posts } from "../find/find-roles.ts";
import { addColumn, type Draft, shownTime } from "./draft.ts";
import type { Part } from "./draft-parts.ts";
import { shownPerson } from "./shown-person.ts";
import { at, conditionSql, uuidSql } from "./sql-text.ts";

/** Posts that answer posts, or pass them on. */
export function parentParts(draft: Draft, { table, author, parents }: Posts, kinds: Map<string, Action>): Part[] {
  const published = publishedOf(table);
  if (!author || !published) return [];
  return parents.map(({ column, how }) => {
    const alias = table.name;
    if (how === "repost") kinds.set("repost", "vote");
    return {
      table,
      user: shownPerson(draft, table, alias, author),
      post: uuidSql(at(alias, column), column),
      postColumn: column,
      created: shownTime(draft, table, alias, published),
      kind: how === "repost" ? "'repost'" : "'comment'",
      value: "null::real",
      where: [
        conditionSql(alias, { column, test: "present" }),
        // a post that does both is counted as passed on
        ...(how === "reply"
          ? parents
              .filter((other) => other.how === "repost")
              .map((other) => conditionSql(alias, { column: other.column, test: "absent" }))
          : []),
        ...livingConditions(table)
          .filter((condition) => condition.column !== published.column)
          .map((condition) => conditionSql(alias, condition)),
      ],
      others: livingConditions(table).map(({ column }) => column.name),
      notes: [],
      apart: [author.column, column, published.column],
    };
  });
}

/** A uuid column that says which post a row passes on or answers, for recsys.watch, where one column does not say it. */
export function coalescedParent(
  draft: Draft,
  { table, parents }: Posts,
  sql: (column: Column) => string,
): string | undefined {
  return addColumn(
    draft,
    table,
    "recsys_parent",
    "uuid",
    parents.map(({ column }) => column),
    () => `coalesce(${parents.map(({ column }) => sql(column)).join(", ")})`,
  );
}

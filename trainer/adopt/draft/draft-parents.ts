/** Posts that answer posts, or pass them on, where they are rows of one table. */
import { livingConditions, publishedOf } from "../catalog/pick-columns.ts";
import type { Action } from "../catalog/words.ts";
import type { Posts } from "../find/find-roles.ts";
import { type Draft, shownPerson, shownTime } from "./draft.ts";
import type { Part } from "./draft-parts.ts";
import { at, conditionSql, uuidSql } from "./sql-text.ts";

/** Posts that answer posts, or pass them on. */
export function parentParts(draft: Draft, { table, author, parents }: Posts, kinds: Map<string, Action>): Part[] {
  const published = publishedOf(table);
  if (!author || !published) return [];
  const reposts = parents.filter(({ how }) => how === "repost").map(({ column }) => column);
  return parents.map(({ column, how }) => {
    // a post that does both is counted as passed on
    const absent = how === "reply" ? reposts : [];
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
        ...absent.map((other) => conditionSql(alias, { column: other, test: "absent" })),
        ...livingConditions(table)
          .filter((condition) => condition.column !== published.column)
          .map((condition) => conditionSql(alias, condition)),
      ],
      others: [...absent, ...livingConditions(table).map(({ column }) => column)].map(({ name }) => name),
      notes: [],
      apart: [author.column, column, published.column],
    };
  });
}

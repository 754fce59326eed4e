/** Posts that answer posts, or pass them on, where they are rows of one table. */
import type { Column, Table } from "../catalog/catalog.ts";
import { bodyOf, livingConditions, publishedOf, titleOf } from "../catalog/pick-columns.ts";
import type { Action } from "../catalog/words.ts";
import type { ParentColumn } from "../find/find-posts.ts";
import type { Posts } from "../find/find-roles.ts";
import { type Draft, shownTime } from "./draft.ts";
import type { Part } from "./draft-parts.ts";
import { shownPerson } from "./shown-person.ts";
import { at, conditionSql, uuidSql } from "./sql-text.ts";

/** Posts that answer posts, or pass them on. */
export function parentParts(draft: Draft, { table, author, parents }: Posts, kinds: Map<string, Action>): Part[] {
  const published = publishedOf(table);
  if (!author || !published) return [];
  const reposts = parents.filter(({ how }) => how === "repost");
  return parents.map(({ column, how }) => {
    const alias = table.name;
    const isWordless = wordless(table, alias);
    if (how === "repost") {
      kinds.set("repost", "vote");
      if (isWordless) kinds.set("quote", "comment");
    }
    return {
      table,
      as:
        how === "reply"
          ? "replies as comments"
          : isWordless
            ? "reposts as votes, quotes as comments"
            : "reposts as votes",
      person: author,
      user: shownPerson(draft, table, alias, author),
      post: uuidSql(at(alias, column), column),
      postColumn: column,
      created: shownTime(draft, table, alias, published),
      // what is passed on with words of one's own is a post as well, and says something of the other
      kind:
        how === "repost"
          ? isWordless
            ? `case when ${isWordless} then 'repost' else 'quote' end`
            : "'repost'"
          : "'comment'",
      value: "null::real",
      where: [
        conditionSql(alias, { column, test: "present" }),
        // a post that does both without a word is counted as passed on
        ...(how === "reply" ? reposts.map((repost) => isNoRepost(table, repost)) : []),
        ...livingConditions(table)
          .filter((condition) => condition.column !== published.column)
          .map((condition) => conditionSql(alias, condition)),
      ],
      others: [...livingConditions(table), ...reposts.filter((other) => other.column !== column)]
        .map(({ column }) => column)
        .concat(reposts.length > 0 ? textsOf(table) : [])
        .map(({ name }) => name),
      notes: [],
      apart: [author.column, column, published.column],
    };
  });
}

/** What holds of a post that is no other one passed on: it names none, or says something itself. */
export function isNoRepost(table: Table, { column }: ParentColumn): string {
  const isAbsent = conditionSql(table.name, { column, test: "absent" });
  const isWordless = wordless(table, table.name);
  return isWordless ? `(${isAbsent} or not (${isWordless}))` : isAbsent;
}

/** What holds of a row without any text; undefined: the table has none. */
function wordless(table: Table, alias: string): string | undefined {
  const texts = textsOf(table);
  return texts.length > 0
    ? texts.map((column) => conditionSql(alias, { column, test: "absent" })).join(" and ")
    : undefined;
}

function textsOf(table: Table): Column[] {
  return [titleOf(table), bodyOf(table)?.column].filter((column) => column?.kind === "text") as Column[];
}

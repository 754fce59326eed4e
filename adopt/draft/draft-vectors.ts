/** The calls of recsys.watch for vectors that other models made of posts and users: the towers read those of the model that made most of the posts'. */
import { type Column, sampleOf, type Table } from "../catalog/catalog.ts";
import { oneLine } from "../catalog/quote.ts";
import type { PostTable, Roles } from "../find/find-roles.ts";
import { type Draft, noUuid, watchSql } from "./draft.ts";
import { shownPost, watchedKey } from "./post-ids.ts";
import { personId, shownPerson } from "./shown-person.ts";

export function watchPostVectors(draft: Draft, { table: posts, key, own }: PostTable): string[] {
  for (const table of own.pieces)
    draft.doubt(
      table,
      "it has vectors of pieces of a post, and a post tower reads one a post: keep a mean of them in a table with a row for each post, and watch that as 'vectors'",
    );
  return own.vectors.flatMap(({ table, post, vector, encoder }) => {
    draft.read.add(table);
    if (table !== posts)
      draft.uses.push({ table, as: "vectors of posts", where: [], post: { column: post, of: [{ table: posts }] } });
    const watched =
      table === posts ? watchedKey(draft, posts, key) : shownPost(draft, table, table.name, post, posts).watched;
    return [
      aboutVectors(table, vector, "post"),
      watchSql(
        draft,
        table,
        "vectors",
        {
          post: post.kind === key.kind ? watched : undefined,
          texts: [vector.name],
          others: encoder ? [encoder.name] : [],
        },
        `${post.name} is of a type that it does not take`,
      ),
    ];
  });
}

export function watchUserVectors(draft: Draft, { people, userVectors }: Roles): string[] {
  return userVectors.flatMap(({ table, person, vector, encoder }) => {
    draft.read.add(table);
    if (person) draft.uses.push({ table, as: "vectors of people", where: [], person });
    const whose = person
      ? shownPerson(draft, table, table.name, person)
      : { ...(people && personId(draft, people, table.name)), lookup: undefined };
    return [
      aboutVectors(table, vector, "user"),
      watchSql(
        draft,
        table,
        "user_vectors",
        {
          user: whose.watched,
          texts: [vector.name],
          others: encoder ? [encoder.name] : [],
          lookup: whose.lookup,
        },
        noUuid,
      ),
    ];
  });
}

function aboutVectors(table: Table, vector: Column, tower: "post" | "user"): string {
  const sample = sampleOf(table, vector);
  const without = sample && table.sample ? 100 - Math.round((100 * sample.present) / table.sample.rows) : undefined;
  const about = [
    vector.dimension === null ? "" : `of ${vector.dimension} numbers`,
    without === undefined ? "" : `missing in ${without} % of rows`,
  ].filter((part) => part !== "");
  return `-- ${oneLine(`${vector.name}: vectors${about.length > 0 ? ` ${about.join(", ")}` : ""}, which the ${tower} tower reads besides the words; it needs no index for that`)}`;
}

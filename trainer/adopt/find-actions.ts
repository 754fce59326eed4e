/** The tables that say what people did with posts: those that name a person and a post. */
import { type Catalog, nameOf, type Table } from "./catalog.ts";
import type { Actions } from "./deeds.ts";
import { isCommentTable, type Opening } from "./find-comments.ts";
import { type People, personsOf } from "./find-people.ts";
import { postColumnOf } from "./post-columns.ts";
import type { References } from "./references.ts";
import { deedsOf, rest } from "./what-was-done.ts";
import { actionOf, names, tableWords } from "./words.ts";

export function findActions(
  catalog: Catalog,
  posts: Table,
  opening: Opening | undefined,
  people: People | undefined,
  references: References,
): Actions {
  const actions: Actions = { deeds: [], unclear: [] };
  const comments = catalog.filter((table) => isCommentTable(table, posts, people, references));
  for (const table of catalog) {
    if (table === posts || table === people?.table) continue;
    const [person] = personsOf(table, people, references);
    const target = postColumnOf(table, posts, references);
    const words = tableWords(table.name);
    if (!person || names.containers.has(words.at(-1) ?? "")) continue;
    const comment = references
      .of(table)
      .find(
        ({ to, column }) => to !== table && to !== "auth.users" && comments.includes(to) && (!target || column.notNull),
      );
    if (comment && comment.to !== "auth.users" && !comments.includes(table)) {
      if ((actionOf(words.join("_")) || words.includes("action")) && !words.some((word) => names.chores.has(word)))
        actions.unclear.push({ table, why: `it is about rows of ${nameOf(comment.to)}, which are comments here` });
      continue;
    }
    if (!target) continue;
    if (words.some((word) => names.chores.has(word)) && !actionOf(rest(words, posts))) continue;
    if (
      words.some((word) =>
        /^(mod|moderation|report|flag|notification|mention|subscription|draft|suggest|suggested)$/.test(word),
      )
    )
      continue;
    const found = deedsOf(table, person, target, posts, comments, references);
    if ("why" in found) actions.unclear.push({ table, why: found.why });
    else {
      if (opening?.table === table)
        for (const deeds of found.deeds)
          deeds.conditions = [...deeds.conditions, { column: opening.number, test: "not first" }];
      actions.deeds.push(...found.deeds);
    }
  }
  return actions;
}

/** The tables that say what people did with posts: those that name a person and a post. */
import type { Catalog, Table } from "../catalog/catalog.ts";
import type { References } from "../catalog/references.ts";
import { actionOf, names, tableWords } from "../catalog/words.ts";
import type { Deeds } from "./deeds.ts";
import { type CommentDeeds, commentDeedsOf } from "./find-comment-actions.ts";
import { isCommentTable, type Opening } from "./find-comments.ts";
import { type People, personsOf } from "./find-people.ts";
import { postColumnOf, type Target } from "./post-columns.ts";
import { deedsOf, rest } from "./what-was-done.ts";

/** Tables that have to do with posts, and with people, but do not say how. */
export interface Unclear {
  table: Table;
  why: string;
}

export interface Actions {
  deeds: Deeds[];
  onComments: CommentDeeds[];
  unclear: Unclear[];
}

export function findActions(
  catalog: Catalog,
  posts: Table,
  opening: Opening | undefined,
  people: People | undefined,
  references: References,
): Actions {
  const actions: Actions = { deeds: [], onComments: [], unclear: [] };
  const comments = catalog.filter((table) => isCommentTable(table, posts, people, references));
  for (const table of catalog) {
    if (table === posts || table === people?.table) continue;
    const [person] = personsOf(table, people, references);
    const target = postColumnOf(table, posts, references);
    const words = tableWords(table.name);
    if (!person || names.containers.has(words.at(-1) ?? "")) continue;
    const onComments = comments.includes(table)
      ? undefined
      : commentDeedsOf(table, person, posts, comments, opening, references);
    if (isOnlyOnComments(table, target, comments, references)) {
      if (onComments && "why" in onComments) actions.unclear.push({ table, why: onComments.why });
      else if (onComments) actions.onComments.push(onComments);
      continue;
    }
    if (onComments && !("why" in onComments)) actions.onComments.push(onComments);
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

/** Whether each row names a comment, so that the post beside it is that of the comment. */
function isOnlyOnComments(
  table: Table,
  target: Target | undefined,
  comments: Table[],
  references: References,
): boolean {
  return (
    !comments.includes(table) &&
    references
      .of(table)
      .some(
        ({ to, column }) => to !== table && to !== "auth.users" && comments.includes(to) && (!target || column.notNull),
      )
  );
}

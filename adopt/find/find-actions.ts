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

/** A table that is in no view, and why. */
export interface Unclear {
  table: Table;
  why: string;
}

export interface Actions {
  deeds: Deeds[];
  onComments: CommentDeeds[];
  /** Tables that have to do with posts, and with people, but do not say how. */
  unclear: Unclear[];
  /** Those that say by their names that nobody did anything with a post there. */
  leftOut: Unclear[];
}

export function findActions(
  catalog: Catalog,
  posts: Table,
  opening: Opening | undefined,
  people: People | undefined,
  references: References,
): Actions {
  const actions: Actions = { deeds: [], onComments: [], unclear: [], leftOut: [] };
  const comments = catalog.filter((table) => isCommentTable(table, posts, people, references));
  for (const table of catalog) {
    if (table === posts || table === people?.table) continue;
    const leave = (why: string) => actions.leftOut.push({ table, why });
    const [person] = personsOf(table, people, references);
    const target = postColumnOf(table, posts, references);
    const words = tableWords(table.name);
    if (!person) {
      if (target) leave("it names a post and nobody");
      continue;
    }
    if (names.containers.has(words.at(-1) ?? "")) {
      leave(`by its name (${words.at(-1)}) it holds others together`);
      continue;
    }
    const onComments = comments.includes(table)
      ? undefined
      : commentDeedsOf(table, person, posts, comments, opening, references);
    if (isOnlyOnComments(table, target, comments, references)) {
      if (onComments && "why" in onComments) actions.unclear.push({ table, why: onComments.why });
      else if (onComments) actions.onComments.push(onComments);
      else leave("it is about comments, and does not say that somebody read or liked them");
      continue;
    }
    if (onComments && !("why" in onComments)) actions.onComments.push(onComments);
    if (!target) continue;
    const chore = words.find((word) => names.chores.has(word));
    const office = words.find((word) => offices.test(word));
    if ((chore && !actionOf(rest(words, posts))) || office) {
      leave(`by its name (${office ?? chore}) the app keeps it for itself`);
      continue;
    }
    if (isKept(table, posts, words)) {
      leave("members may read none of it, so it is the app's own");
      continue;
    }
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

/** Whether members, who may read posts, may read nothing of it, and it is no log of what they saw. */
function isKept(table: Table, posts: Table, words: string[]): boolean {
  return posts.membersMayReadSome && !table.membersMayReadSome && actionOf(rest(words, posts)) !== "view";
}

const offices = /^(mod|moderation|report|flag|notification|mention|subscription|draft|suggest|suggested)$/;

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

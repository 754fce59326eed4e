/** What each row of a table with a person and a post says. */
import { nameOf, type Table } from "../catalog/catalog.ts";
import { bodyOf, createdOf, livingConditions } from "../catalog/pick-columns.ts";
import type { References } from "../catalog/references.ts";
import { actionOf, names, plainName, tableWords } from "../catalog/words.ts";
import { type Deeds, directionOf, kindsOf, momentsOf, ratingOf, wordFor } from "./deeds.ts";
import type { PersonColumn } from "./find-people.ts";
import type { Target } from "./post-columns.ts";

export function deedsOf(
  table: Table,
  person: PersonColumn,
  target: Target,
  posts: Table,
  comments: Table[],
  references: References,
): { deeds: Deeds[] } | { why: string } {
  const doubts: string[] = [];
  if (target.ofPosts && !target.ofPosts.sure)
    doubts.push(`which values of ${target.ofPosts.type.name} mean ${nameOf(posts)} is guessed`);
  const elsewhere = references
    .of(table)
    .filter(
      ({ to, column }) =>
        to !== table && to !== posts && to !== "auth.users" && comments.includes(to) && !column.notNull,
    )
    .map(({ column }) => column);
  const base = {
    table,
    person,
    post: target.post,
    postIsSure: target.sure || target.ofPosts !== undefined,
    ...(target.ofPosts && { ofPosts: target.ofPosts }),
    elsewhere,
    conditions: livingConditions(table),
    doubts,
  };
  const words = rest(tableWords(table.name), posts);
  const body = bodyOf(table);
  let action = actionOf(words);
  if (action === undefined && body?.sure && comments.includes(table)) {
    action = "comment";
    if (!names.comments.has(tableWords(table.name).at(-1) ?? ""))
      doubts.push("taken for comments, since it has a text, a person and a post");
  }
  if (action === "vote" && isOfPoll(table)) {
    const time = createdOf(table);
    if (!time) return { why: "it does not say when somebody voted in a poll" };
    doubts.push(
      "a vote for a choice says that somebody has seen the post, and no more: a view, of the kind poll_vote in recsys.kinds",
    );
    return { deeds: [{ ...base, time, word: "poll_vote", action: "view" }] };
  }
  const moments = action === undefined || !createdOf(table) ? momentsOf(table) : [];
  if (moments.length > 0)
    return {
      deeds: moments.map(({ column, action, word }, place) => ({
        ...base,
        time: { column },
        // hidden_at says what was done here, and not that the row is gone
        conditions: base.conditions.filter(
          (condition) => !moments.some((moment) => moment.column === condition.column),
        ),
        word,
        action,
        ...(action === "vote" && /vote|like/.test(word) ? directionOf(table) : {}),
        doubts: place === 0 ? doubts : [],
      })),
    };
  const kinds = kindsOf(table, target.ofPosts?.type);
  if (action === undefined && kinds) action = "vote";
  if (action === undefined) return { why: "its name does not say what was done" };
  const time = createdOf(table);
  if (!time && action !== "dismissal")
    return { why: `it does not say when, so what was done has no place in time (${action})` };
  const direction = action === "vote" ? directionOf(table) : {};
  return {
    deeds: [
      {
        ...base,
        time,
        word: wordFor(words, action),
        action,
        ...direction,
        ...(!direction.direction && kinds && action !== "comment" ? { kinds } : {}),
        ...(action === "vote" || action === "comment" ? ratingOf(table) : {}),
      },
    ],
  };
}

/** Whether its votes are for one of several choices, and not for what they are asked beside. */
function isOfPoll(table: Table): boolean {
  return (
    tableWords(table.name).some((word) => /^(poll|ballot|quiz|survey|election)$/.test(word)) ||
    table.columns.some(({ name }) => /^((poll|vote)_)?(choice|option)(_id)?$/.test(plainName(name)))
  );
}

/** The words of a name without those of the posts: of post_likes, likes. */
export function rest(words: string[], posts: Table): string {
  const own = tableWords(posts.name);
  return words.filter((word) => !own.includes(word)).join("_");
}

/** Likes of comments, as views of the posts under which they are. */
import { nameOf } from "../catalog/catalog.ts";
import type { Action } from "../catalog/words.ts";
import type { CommentDeeds } from "../find/find-comment-actions.ts";
import { byName, type Draft, shownTime } from "./draft.ts";
import { directionSql } from "./draft-deeds.ts";
import { isOneOf, type Part } from "./draft-parts.ts";
import { shownPerson } from "./shown-person.ts";
import { aliasBeside, at, conditionSql, joinSql, literal, uuidSql } from "./sql-text.ts";

/**
 * Who likes a comment has read the post, which is sure; whether they like the post, too, is not, and a vote would say so. The kind is one
 * of its own, so that a row of recsys.kinds makes it more. What is against a comment says nothing.
 */
export function commentPart(draft: Draft, deeds: CommentDeeds, kinds: Map<string, Action>): Part {
  const { table, person, comment, post, postIsOwn, ofComments, ofPosts, first, time, word, conditions } = deeds;
  const alias = table.name;
  const beside = aliasBeside(alias, "liked", "of_liked");
  const user = shownPerson(draft, table, alias, person);
  const created = shownTime(draft, table, alias, time);
  const kind = `comment_${word}`;
  kinds.set(kind, "view");
  if (first) kinds.set(word, "vote");
  const { up, column } = notAgainst(deeds);
  if (!postIsOwn) draft.read.add(comment.table);
  return {
    table,
    as: `views (${kind})`,
    user,
    person,
    ...(postIsOwn ? {} : { comment: joinSql(alias, beside, comment), postAt: beside }),
    post: uuidSql(at(postIsOwn ? alias : beside, post), post),
    postColumn: post,
    created,
    kind: first ? `case when ${at(beside, first)} = 1 then ${literal(word)} else ${literal(kind)} end` : literal(kind),
    value: "null::real",
    where: [
      ...(comment.by.notNull ? [] : [conditionSql(alias, { column: comment.by, test: "present" })]),
      ...(ofComments ? [isOneOf(alias, ofComments)] : []),
      ...(ofPosts ? [isOneOf(beside, ofPosts)] : []),
      ...up,
      ...conditions.filter(({ column }) => column !== time.column).map((condition) => conditionSql(alias, condition)),
    ],
    others: [comment.by, ofComments?.type, column, ...conditions.map(({ column }) => column)].flatMap(
      (column) => column?.name ?? [],
    ),
    notes: [
      draft.doubt(
        table,
        `what is done to a row of ${nameOf(comment.table)} counts as a view of its post, of the kind ${kind} in recsys.kinds: make that a vote where it says as much`,
      ),
      ...deeds.doubts.map((why) => draft.doubt(table, why)),
      user.note,
      deeds.commentIsSure ? "" : draft.doubtColumn(table, comment.by, byName),
      created.note,
    ].filter((note) => note !== ""),
    apart: [person.column, comment.by, time.column],
  };
}

/** What holds of the rows that are not against a comment, and the column that says it. */
function notAgainst({ table, against: { direction, kinds } }: CommentDeeds) {
  if (direction) return { up: [directionSql(table.name, direction).up], column: direction.column };
  const values = [...(kinds?.values ?? [])].filter(([, what]) => what === "dismissal").map(([value]) => value);
  return kinds && values.length > 0
    ? {
        up: [`(${at(table.name, kinds.column)}::text in (${values.map(literal).join(", ")})) is not true`],
        column: kinds.column,
      }
    : { up: [], column: undefined };
}

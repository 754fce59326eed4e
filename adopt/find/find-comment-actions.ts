/** What people did with comments: likes of them, which say something of the post under which they are. */
import { type Column, keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import { type Condition, createdOf, livingConditions, type TimeColumn } from "../catalog/pick-columns.ts";
import { type Joined, openReferenceOf, type References } from "../catalog/references.ts";
import { actionOf, names, plainName, tableWords } from "../catalog/words.ts";
import { type Deeds, directionOf, kindsOf, wordFor } from "./deeds.ts";
import type { Opening } from "./find-comments.ts";
import type { PersonColumn } from "./find-people.ts";
import { postColumnOf, valuesOf } from "./post-columns.ts";

export interface CommentDeeds {
  table: Table;
  person: PersonColumn;
  comment: Joined;
  commentIsSure: boolean;
  /** Where the same table has likes of other things: which values of a column mean comments. */
  ofComments?: Deeds["ofPosts"];
  /** The column that names the post: of the table itself, or else of the comment. */
  post: Column;
  postIsOwn: boolean;
  /** Where comments are of other things than posts too. */
  ofPosts?: Deeds["ofPosts"];
  /** Where the first comment of a post is its text: the column that says so. */
  first?: Column;
  time: TimeColumn;
  word: string;
  against: Pick<Deeds, "direction" | "kinds">;
  conditions: Condition[];
  doubts: string[];
}

/** Undefined: the table has nothing to do with comments, or it does not say by its name that they were liked or read. */
export function commentDeedsOf(
  table: Table,
  person: PersonColumn,
  posts: Table,
  comments: Table[],
  opening: Opening | undefined,
  references: References,
): CommentDeeds | { why: string } | undefined {
  const words = tableWords(table.name);
  const action = actionOf(words.join("_"));
  const named = namedComment(table, comments, references);
  if (!named || words.some((word) => names.chores.has(word))) return undefined;
  const why = `it is about rows of ${nameOf(named.comment.table)}, which are comments here`;
  // a reply that waits to be read is no deed of its reader
  const isDone = action === "vote" || action === "view" || isActionOf(named.comment.table, words);
  // whose rows are about many things is asked for votes alone: most views are of posts
  if (named.ofComments && action !== "vote") return undefined;
  if (!isDone || tableWords(person.column.name).some((word) => names.targets.has(word)))
    return action ? { why } : undefined;
  const time = createdOf(table);
  if (!time) return { why: `${why}, and it does not say when` };
  const target = postColumnOf(named.comment.table, posts, references);
  if (!target) return undefined;
  const first = opening?.table === named.comment.table && action === "vote" ? opening.number : undefined;
  const own = postColumnOf(table, posts, references);
  const postIsOwn = own !== undefined && !own.ofPosts && own.post.notNull && first === undefined;
  const direction = directionOf(table);
  const kinds = direction.direction ? undefined : kindsOf(table, named.ofComments?.type);
  const type = table.columns.find(({ name }) => /(type|kind)_id$/.test(plainName(name)));
  return {
    table,
    person,
    ...named,
    ...(postIsOwn ? { post: own.post } : { post: target.post, ...(target.ofPosts && { ofPosts: target.ofPosts }) }),
    postIsOwn,
    ...(first && { first }),
    time,
    word: action ? wordFor(words.join("_"), action) : "action",
    against: { ...direction, ...(kinds && { kinds }) },
    conditions: livingConditions(table),
    doubts: type ? [`what was done is said by ${type.name}, and all of it counts alike: leave out what is not`] : [],
  };
}

/** A name such as comment_actions; user_actions may be what happened to them. */
function isActionOf(comments: Table, words: string[]): boolean {
  return words.join("_") === [...tableWords(comments.name), "action"].join("_");
}

/** The column by which the table names comments, of its own or beside others. */
function namedComment(
  table: Table,
  comments: Table[],
  references: References,
): Pick<CommentDeeds, "comment" | "commentIsSure" | "ofComments"> | undefined {
  for (const { to, column, key, sure } of references.of(table))
    if (to !== "auth.users" && to !== table && comments.includes(to))
      return { comment: { table: to, key, by: column }, commentIsSure: sure };
  for (const column of table.columns) {
    const open = openReferenceOf(table, column);
    const to = comments.find(
      (comment) => keyOf(comment)?.kind === column.kind && names.comments.has(tableWords(comment.name).at(-1) ?? ""),
    );
    const ofComments = open && to && valuesOf(open, to, table);
    if (ofComments)
      return { comment: { table: to, key: (keyOf(to) as Column).name, by: column }, commentIsSure: true, ofComments };
  }
  return undefined;
}

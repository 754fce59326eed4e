/** The tables that say what people did with posts: those that name a person and a post. */
import { type Column, keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import {
  bodyOf,
  type Condition,
  createdOf,
  type TimeColumn,
  titleOf,
  visibleRowConditions,
} from "../catalog/pick-columns.ts";
import { type Joined, openReferenceOf } from "../catalog/references.ts";
import { actionOf, names, plainName, tableWords } from "../catalog/words.ts";
import { actorOf, authorship, namesAuthor } from "./find-actor.ts";
import { type KnownApp, type PersonColumn, personsOf } from "./find-people.ts";
import {
  directionOf,
  type InteractionTable,
  interactionTableOf,
  kindsOf,
  momentsOf,
  type OfPosts,
  postColumnOf,
  rest,
  type Target,
  valuesOf,
  wordFor,
} from "./interaction-tables.ts";

/** A table that is in no view, and why. */
export interface SkippedTable {
  table: Table;
  why: string;
}

export interface Actions {
  deeds: InteractionTable[];
  onComments: CommentDeeds[];
  /** Tables that have to do with posts, and with people, but do not say how. */
  unclear: SkippedTable[];
  /** Tables whose names say that their rows are not actions of users on posts. */
  leftOut: SkippedTable[];
  /** Tables that repeat the interactions of another, which would count them twice. */
  repeats: SkippedTable[];
}

/** Tables of what people did with the rows of `posts`; `contents`: all tables of posts. */
export function findActions(
  app: KnownApp,
  posts: Table,
  opening: Opening | undefined,
  contents: Table[] = [posts],
): Actions {
  const { catalog, people } = app;
  const actions: Actions = { deeds: [], onComments: [], unclear: [], leftOut: [], repeats: [] };
  const comments = catalog.filter((table) => !contents.includes(table) && isCommentTable(app, table, posts));
  for (const table of catalog) {
    if (contents.includes(table) || table === people?.table) continue;
    const leave = (why: string) => actions.leftOut.push({ table, why });
    const persons = personsOf(app, table);
    const target = postColumnOf(app, table, posts);
    const ofComments = app.references.others(table).filter(({ to }) => comments.includes(to));
    const about = [...(target ? [target.post] : []), ...ofComments.map(({ column }) => column)];
    const { person, doubts } = comments.includes(table)
      ? { person: persons[0], doubts: [] }
      : actorOf(table, persons, about);
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
      : commentDeedsOf(app, table, person, posts, comments, opening);
    if (isOnlyOnComments(app, table, target, comments)) {
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
    if (isTargetName(person.column) && table.columns.some(isModerator)) {
      leave(`it says what moderators did, and to whom (${person.column.name})`);
      continue;
    }
    if (isKept(table, posts, words)) {
      leave("members may read none of it, so it is the app's own");
      continue;
    }
    const why = !comments.includes(table) && namesAuthor(table, person.column) && authorship(table, person.column);
    if (why) {
      actions.unclear.push({
        table,
        why: `it does not say what others did with a post: by ${person.column.name}${why}`,
      });
      continue;
    }
    const found = interactionTableOf(app, table, person, target, posts, comments);
    if ("why" in found) actions.unclear.push({ table, why: found.why });
    else {
      found.deeds[0].doubts.push(...doubts);
      if (opening?.table === table)
        for (const deeds of found.deeds)
          deeds.conditions = [...deeds.conditions, { column: opening.number, test: "not first" }];
      actions.deeds.push(...found.deeds);
    }
  }
  return actions;
}

/** Merges the actions on several tables of posts. A table that is left out for one of them may hold actions on another. */
export function mergeActions(each: Actions[]): Actions {
  const has = ({ deeds, onComments }: Actions, table: Table) =>
    [...deeds, ...onComments].some((action) => action.table === table);
  const rest = (of: (actions: Actions) => SkippedTable[]) => {
    const found = each.flatMap((one) =>
      of(one).filter(({ table }) => !each.some((other) => other !== one && has(other, table))),
    );
    return found.filter(({ table }, place) => place === found.findIndex((first) => first.table === table));
  };
  return {
    deeds: joined(each.flatMap(({ deeds }) => deeds)),
    onComments: joined(each.flatMap(({ onComments }) => onComments)),
    unclear: rest(({ unclear }) => unclear),
    leftOut: rest(({ leftOut }) => leftOut),
    repeats: [],
  };
}

/** Merges actions that share a column of ids and a type column into one. */
function joined<D extends InteractionTable | CommentDeeds>(all: D[]): D[] {
  const found: D[] = [];
  for (const one of all) {
    const place = found.findIndex(
      (other) =>
        one.ofPosts &&
        other.ofPosts?.type === one.ofPosts.type &&
        other.table === one.table &&
        other.post === one.post &&
        other.word === one.word &&
        other.time?.column === one.time?.column,
    );
    if (place < 0) found.push(one);
    else {
      const doubts = [...new Set([...found[place].doubts, ...one.doubts])];
      found[place] = { ...found[place], ofPosts: bothOf(found[place], one), doubts };
    }
  }
  return found;
}

function bothOf(one: InteractionTable | CommentDeeds, other: InteractionTable | CommentDeeds): OfPosts | undefined {
  if (!one.ofPosts || !other.ofPosts) return undefined;
  const { type, values, sure, each } = one.ofPosts;
  return {
    type,
    values: [...values, ...other.ofPosts.values],
    sure: sure && other.ofPosts.sure,
    each: [...(each ?? [{ of: one.of, values }]), { of: other.of, values: other.ofPosts.values }],
  };
}

/** Whether members, who may read posts, may read nothing of it, and it is no log of what they saw. */
function isKept(table: Table, posts: Table, words: string[]): boolean {
  return posts.membersMayReadSome && !table.membersMayReadSome && actionOf(rest(words, posts)) !== "view";
}

function isTargetName({ name }: Column): boolean {
  return tableWords(name).some((word) => names.targets.has(word));
}

function isModerator({ name }: Column): boolean {
  return /^(mod|moderator|admin)(_(person|user|account|profile))?(_id)?$/.test(plainName(name));
}

const offices =
  /^(mod|modlog|moderation|moderator|report|flag|notification|mention|subscription|draft|suggest|suggested)$/;

/** Whether each row names a comment, so that the post named next to it is the comment's. */
function isOnlyOnComments(
  { references }: KnownApp,
  table: Table,
  target: Target | undefined,
  comments: Table[],
): boolean {
  const named = references.others(table).filter(({ to }) => comments.includes(to));
  return !comments.includes(table) && named.some(({ column }) => !target || column.notNull);
}

// What people did with comments: likes of them, which say something of the post under which they are.

export interface CommentDeeds {
  table: Table;
  /** Whose rows the posts are. */
  of: Table;
  person: PersonColumn;
  comment: Joined;
  commentIsSure: boolean;
  /** Where the same table has likes of other things: which values of a column mean comments. */
  ofComments?: OfPosts;
  /** The column that names the post: of the table itself, or else of the comment. */
  post: Column;
  postIsOwn: boolean;
  /** Where comments are of other things than posts too. */
  ofPosts?: OfPosts;
  /** Where the first comment of a post is its text: the column that says so. */
  first?: Column;
  time: TimeColumn;
  word: string;
  against: Pick<InteractionTable, "direction" | "kinds">;
  conditions: Condition[];
  doubts: string[];
}

/** Undefined: the table has nothing to do with comments, or it does not say by its name that they were liked or read. */
export function commentDeedsOf(
  app: KnownApp,
  table: Table,
  person: PersonColumn,
  posts: Table,
  comments: Table[],
  opening: Opening | undefined,
): CommentDeeds | { why: string } | undefined {
  const words = tableWords(table.name);
  const action = actionOf(words.join("_"));
  const named = namedComment(app, table, comments);
  if (!named || words.some((word) => names.chores.has(word))) return undefined;
  const why = `it is about rows of ${nameOf(named.comment.table)}, which are comments here`;
  // a reply that waits to be read is no deed of its reader
  const isDone = action === "vote" || action === "view" || isActionOf(named.comment.table, words);
  // whose rows are about many things is asked for votes alone: most views are of posts
  if (named.ofComments && action !== "vote") return undefined;
  if (!isDone || tableWords(person.column.name).some((word) => names.targets.has(word)))
    return action ? { why } : undefined;
  // a table with several times has one for each interaction
  const moment = isActionOf(named.comment.table, words)
    ? momentsOf(table).find(({ action }) => action === "vote" || action === "view")
    : undefined;
  const time = moment ? { column: moment.column } : createdOf(table);
  if (!time) return { why: `${why}, and it does not say when` };
  const target = postColumnOf(app, named.comment.table, posts);
  if (!target) return undefined;
  const first = opening?.table === named.comment.table && action === "vote" ? opening.number : undefined;
  const own = postColumnOf(app, table, posts);
  const postIsOwn = own !== undefined && !own.ofPosts && own.post.notNull && first === undefined;
  const direction = directionOf(table);
  const kinds = direction.direction ? undefined : kindsOf(table, named.ofComments?.type);
  const type = table.columns.find(({ name }) => /(type|kind)_id$/.test(plainName(name)));
  return {
    table,
    of: posts,
    person,
    ...named,
    ...(postIsOwn ? { post: own.post } : { post: target.post, ...(target.ofPosts && { ofPosts: target.ofPosts }) }),
    postIsOwn,
    ...(first && { first }),
    time,
    word: moment?.word ?? (action ? wordFor(words.join("_"), action) : "action"),
    against: { ...direction, ...(kinds && { kinds }) },
    conditions: visibleRowConditions(table),
    doubts: type ? [`what was done is said by ${type.name}, and all of it counts alike: leave out what is not`] : [],
  };
}

/** A name such as comment_actions; user_actions may be what happened to them. */
function isActionOf(comments: Table, words: string[]): boolean {
  return words.join("_") === [...tableWords(comments.name), "action"].join("_");
}

/** The column by which the table names comments: one for comments alone, or one for several kinds of things. */
function namedComment(
  { references }: KnownApp,
  table: Table,
  comments: Table[],
): Pick<CommentDeeds, "comment" | "commentIsSure" | "ofComments"> | undefined {
  for (const { to, column, key, sure } of references.others(table))
    if (comments.includes(to)) return { comment: { table: to, key, by: column }, commentIsSure: sure };
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

// Which tables hold comments, and the forum whose topics have their text in the first of them.

export function isCommentTable(app: KnownApp, table: Table, posts: Table): boolean {
  return (
    table !== posts &&
    !names.containers.has(tableWords(table.name).at(-1) ?? "") &&
    !tableWords(table.name).some((word) => offices.test(word)) &&
    postColumnOf(app, table, posts) !== undefined &&
    bodyOf(table)?.sure === true &&
    personsOf(app, table).length > 0
  );
}

/** In a forum the first comment of a topic is its text: where that is. */
export interface Opening {
  table: Table;
  post: Column;
  text: Column;
  /** From 1 on. */
  number: Column;
}

export function findOpening(app: KnownApp, posts: Table): Opening | undefined {
  if (!titleOf(posts) || bodyOf(posts)?.sure) return undefined;
  for (const table of app.catalog) {
    if (!isCommentTable(app, table, posts)) continue;
    const target = postColumnOf(app, table, posts);
    const text = bodyOf(table)?.column;
    const number = table.columns.find(
      ({ name, kind }) =>
        kind === "number" && /^((post|comment|reply|message)_)?(number|position|floor|index)$/.test(plainName(name)),
    );
    if (target && !target.ofPosts && text && number) return { table, post: target.post, text, number };
  }
  return undefined;
}

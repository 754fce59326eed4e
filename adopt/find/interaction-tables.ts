/** What people did with posts, as far as the tables of an app say it. */
import { type Column, keyOf, nameOf, sampleOf, type Table } from "../catalog/catalog.ts";
import {
  bodyOf,
  type Condition,
  createdOf,
  pickColumn,
  type TimeColumn,
  visibleRowConditions,
} from "../catalog/pick-columns.ts";
import { type OpenReference, openReferenceOf } from "../catalog/references.ts";
import {
  type Action,
  actionOf,
  columns,
  names,
  plainName,
  singular,
  tableWords,
  wordsOfName,
} from "../catalog/words.ts";
import type { KnownApp, PersonColumn } from "./find-people.ts";

/** What rows of one table say, or those of them that have one of its times. */
export interface InteractionTable {
  table: Table;
  /** Whose rows the posts are. */
  of: Table;
  person: PersonColumn;
  post: Column;
  /** Whether a foreign key or a type says that it does. */
  postIsSure: boolean;
  ofPosts?: OfPosts;
  /** Columns that name what else a row may be about: a vote on a comment. */
  elsewhere: Column[];
  /** Undefined: the table does not say, and it does not matter. */
  time: TimeColumn | undefined;
  /** A word for it, such as like, and the kind of interaction that it is. */
  word: string;
  action: Action;
  /** Where the kind is a column: the kind of interaction of each of its values; undefined: not known. */
  kinds?: { column: Column; values: Map<string, Action | undefined> };
  /** Where one column says for or against. */
  direction?: Direction;
  /** A strength, which no feed reads so far. */
  rating?: Column;
  conditions: Condition[];
  doubts: string[];
}

/** Where a table says of what kind its row is: which values mean a post; `each`: where several tables have posts, which mean one of each. */
export interface OfPosts {
  type: Column;
  values: string[];
  sure: boolean;
  each?: { of: Table; values: string[] }[];
}

export interface Direction {
  column: Column;
  form: "sign" | "boolean" | { up: string[]; down: string[] };
}

// Which columns of a table say what was done: its times, kinds, for or against.

export function wordFor(words: string, action: Action): string {
  if (action === "comment" || action === "dismissal") return action;
  const word = wordsOfName(words).findLast((word) => actionOf(word) === action);
  return word ? singular(word) : action;
}

/** Times that say by themselves what was done: read_at, saved_at. */
export function momentsOf(table: Table): { column: Column; word: string; action: Action }[] {
  const found: { column: Column; word: string; action: Action }[] = [];
  for (const column of table.columns) {
    const name = plainName(column.name);
    if (
      (column.kind !== "timestamptz" && column.kind !== "timestamp") ||
      columns.updated.includes(name) ||
      /^(last|notifications)_/.test(name)
    )
      continue;
    const said = name.replace(/_(at|on|time)$/, "");
    const action = name === "hidden_at" ? "dismissal" : isOfComments(said) ? "view" : actionOf(said);
    if (action) found.push({ column, word: action === "dismissal" ? action : wordFor(name, action), action });
  }
  // first_visited_at and read_at are both views: one is enough, and that of the post comes before that of its comments
  const views = found.filter(({ action }) => action === "view");
  const view = views.find(({ column }) => !isOfComments(column.name)) ?? views[0];
  return found.filter((moment) => moment.action !== "view" || moment === view);
}

/** Whether a time is about the comments of a post, such as read_comments_at. */
function isOfComments(name: string): boolean {
  const words = wordsOfName(name).map(singular);
  return (
    words.some((word) => names.comments.has(word)) &&
    words.some((word) => /^(read|view|viewed|seen|opened|visited)$/.test(word))
  );
}

export function kindsOf(table: Table, not: Column | undefined): InteractionTable["kinds"] | undefined {
  const column = pickColumn(table, columns.kind, ["text", "enum"]);
  if (!column || column === not) return undefined;
  // of many different ones at least the commonest
  const values =
    column.values.length > 0
      ? column.values
      : (table.sample?.columns[column.name]?.values ?? []).map(([value]) => value);
  return { column, values: new Map(values.map((value) => [value, actionOf(value)])) };
}

export function directionOf(table: Table): { direction?: Direction } {
  const number = pickColumn(table, columns.direction, ["number", "decimal"]);
  if (number && isDirection(table, number)) return { direction: { column: number, form: "sign" } };
  const flag = pickColumn(table, columns.direction, ["boolean"]);
  if (flag) return { direction: { column: flag, form: "boolean" } };
  const word =
    pickColumn(table, columns.direction, ["text", "enum"]) ?? pickColumn(table, columns.kind, ["text", "enum"]);
  const down = word?.values.filter((value) => actionOf(value) === "dismissal") ?? [];
  const up = word?.values.filter((value) => actionOf(value) === "vote") ?? [];
  return word && down.length > 0 && up.length === word.values.length - down.length
    ? { direction: { column: word, form: { up, down } } }
    : {};
}

/**
 * Whether some of its numbers are against something; where that is unknown, whether its name says so rather than an
 * amount.
 */
function isDirection(table: Table, number: Column): boolean {
  const sampled = sampleOf(table, number);
  if (sampled && sampled.present > 0) return sampled.negative > 0;
  return !(/^(points|amount|weight|score)$/.test(plainName(number.name)) && kindsOf(table, undefined));
}

export function ratingOf(table: Table): { rating?: Column } {
  const rating = pickColumn(table, columns.rating, ["number", "decimal"]);
  return rating ? { rating } : {};
}

// Which column of a table names a post.

export interface Target {
  post: Column;
  ofPosts?: OfPosts;
  sure: boolean;
}

/** The column by which a table names a post: one for posts alone, or one for several kinds of things. */
export function postColumnOf({ references }: KnownApp, table: Table, posts: Table): Target | undefined {
  const key = keyOf(posts);
  const reference = references.of(table).find(({ to, key: at }) => to === posts && at === key?.name);
  if (reference) return { post: reference.column, sure: reference.sure };
  for (const column of table.columns) {
    const open = column.kind === key?.kind ? openReferenceOf(table, column) : undefined;
    const ofPosts = open && valuesOf(open, posts, table);
    if (open && ofPosts) return { post: open.id, ofPosts, sure: false };
  }
  return undefined;
}

/** Which values of a type mean rows of a table: those that are there, or the ways in which frameworks write them. Undefined: none of those that are there. */
export function valuesOf({ type }: OpenReference, to: Table, from: Table): OfPosts | undefined {
  const name = tableWords(to.name).join("");
  const isName = (value: string) => tableWords(value.split(/[\\.:/]/).at(-1) ?? "").join("") === name;
  const there = type.values.filter(isName);
  if (there.length > 0) return { type, values: there, sure: true };
  if (type.values.length > 0 && (type.closed || sampleOf(from, type))) return undefined;
  const last = tableWords(to.name).at(-1) ?? "";
  return {
    type,
    values: [...new Set([last, to.name.toLowerCase(), last[0]?.toUpperCase() + last.slice(1)])],
    sure: false,
  };
}

// What each row of a table with a person and a post says.

export function interactionTableOf(
  { references }: KnownApp,
  table: Table,
  person: PersonColumn,
  target: Target,
  posts: Table,
  comments: Table[],
): { deeds: InteractionTable[] } | { why: string } {
  const doubts: string[] = [];
  if (target.ofPosts && !target.ofPosts.sure)
    doubts.push(`which values of ${target.ofPosts.type.name} mean ${nameOf(posts)} is guessed`);
  const elsewhere = references
    .others(table)
    .filter(({ to, column }) => to !== posts && comments.includes(to) && !column.notNull)
    .map(({ column }) => column);
  const base = {
    table,
    of: posts,
    person,
    post: target.post,
    postIsSure: target.sure || target.ofPosts !== undefined,
    ...(target.ofPosts && { ofPosts: target.ofPosts }),
    elsewhere,
    conditions: visibleRowConditions(table),
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

/** Whether its votes are for one of several choices, and not for the post under which they are asked. */
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

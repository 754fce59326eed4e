/** What people did with posts: tables that name a person and a post, and what each of their rows says. */
import { type Catalog, type Column, keyOf, nameOf, type Table } from "./catalog.ts";
import { type People, type PersonColumn, personsOf } from "./find-people.ts";
import { bodyOf, type Condition, createdOf, livingConditions, pick, type TimeColumn, titleOf } from "./pick-columns.ts";
import { type OpenReference, openReferenceOf, type References } from "./references.ts";
import { type Action, actionOf, columns, names, plainName, singular, tableWords, wordsOf } from "./words.ts";

/** What rows of one table say, or those of them that have one of its times. */
export interface Deeds {
  table: Table;
  person: PersonColumn;
  /** The column that names the post. */
  post: Column;
  /** Whether a foreign key or a type says that it does. */
  postIsSure: boolean;
  /** Where the same table says of what kind its row is: which values mean a post. */
  ofPosts?: { type: Column; values: string[]; sure: boolean };
  /** Columns that name what else a row may be about: a vote on a comment. */
  elsewhere: Column[];
  /** Undefined: the table does not say, and it does not matter. */
  time: TimeColumn | undefined;
  /** A word for it, such as like, and what it comes to. */
  word: string;
  action: Action;
  /** Where the kind is a column: what each of its values comes to; undefined: not known. */
  kinds?: { column: Column; values: Map<string, Action | undefined> };
  /** Where one column says for or against. */
  direction?: Direction;
  /** A strength, which no feed reads so far. */
  rating?: Column;
  conditions: Condition[];
  doubts: string[];
}

export interface Direction {
  column: Column;
  form: "sign" | "boolean" | { up: string[]; down: string[] };
}

/** Tables that have to do with posts, and with people, but do not say how. */
export interface Unclear {
  table: Table;
  why: string;
}

export interface Actions {
  deeds: Deeds[];
  unclear: Unclear[];
}

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

/** In a forum the first comment of a topic is its text: where that is. */
export interface Opening {
  table: Table;
  post: Column;
  text: Column;
  /** From 1 on. */
  number: Column;
}

export function findOpening(
  catalog: Catalog,
  posts: Table,
  people: People | undefined,
  references: References,
): Opening | undefined {
  if (!titleOf(posts) || bodyOf(posts)?.sure) return undefined;
  for (const table of catalog) {
    if (!isCommentTable(table, posts, people, references)) continue;
    const target = postColumnOf(table, posts, references);
    const text = bodyOf(table)?.column;
    const number = table.columns.find(
      ({ name, kind }) =>
        kind === "number" && /^((post|comment|reply|message)_)?(number|position|floor|index)$/.test(plainName(name)),
    );
    if (target && !target.ofPosts && text && number) return { table, post: target.post, text, number };
  }
  return undefined;
}

interface Target {
  post: Column;
  ofPosts?: Deeds["ofPosts"];
  sure: boolean;
}

/** The column by which a table names a post, of its own or beside others. */
function postColumnOf(table: Table, posts: Table, references: References): Target | undefined {
  const key = keyOf(posts);
  const reference = references.of(table).find(({ to, key: at }) => to === posts && at === key?.name);
  if (reference) return { post: reference.column, sure: reference.sure };
  for (const column of table.columns) {
    const open = column.kind === key?.kind ? openReferenceOf(table, column) : undefined;
    if (open) return { post: open.id, ofPosts: valuesOf(open, posts), sure: false };
  }
  return undefined;
}

/** Which values of a type mean posts: those that are there, or the ways in which frameworks write them. */
function valuesOf({ type }: OpenReference, posts: Table): NonNullable<Deeds["ofPosts"]> {
  const name = tableWords(posts.name).join("");
  const isName = (value: string) => tableWords(value.split(/[\\.:/]/).at(-1) ?? "").join("") === name;
  const there = type.values.filter(isName);
  if (there.length > 0) return { type, values: there, sure: true };
  const last = tableWords(posts.name).at(-1) ?? "";
  return {
    type,
    values: [...new Set([last, posts.name.toLowerCase(), last[0]?.toUpperCase() + last.slice(1)])],
    sure: false,
  };
}

export function isCommentTable(
  table: Table,
  posts: Table,
  people: People | undefined,
  references: References,
): boolean {
  return (
    table !== posts &&
    !names.containers.has(tableWords(table.name).at(-1) ?? "") &&
    postColumnOf(table, posts, references) !== undefined &&
    bodyOf(table)?.sure === true &&
    personsOf(table, people, references).length > 0
  );
}

/** The words of a name without those of the posts: of post_likes, likes. */
function rest(words: string[], posts: Table): string {
  const own = tableWords(posts.name);
  return words.filter((word) => !own.includes(word)).join("_");
}

function deedsOf(
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

function wordFor(words: string, action: Action): string {
  if (action === "comment" || action === "dismissal") return action;
  const word = wordsOf(words).findLast((word) => actionOf(word) === action);
  return word ? singular(word) : action;
}

/** Times that say by themselves what was done: read_at, saved_at. */
function momentsOf(table: Table): { column: Column; word: string; action: Action }[] {
  const found: { column: Column; word: string; action: Action }[] = [];
  for (const column of table.columns) {
    const name = plainName(column.name);
    if (
      (column.kind !== "timestamptz" && column.kind !== "timestamp") ||
      columns.updated.includes(name) ||
      /^(last|notifications)_/.test(name)
    )
      continue;
    const action = name === "hidden_at" ? "dismissal" : actionOf(name.replace(/_(at|on|time)$/, ""));
    // first_visited_at and read_at are both views: one of them is enough
    if (action && !found.some((moment) => moment.action === action && action === "view"))
      found.push({ column, word: action === "dismissal" ? action : wordFor(name, action), action });
  }
  return found;
}

function kindsOf(table: Table, not: Column | undefined): Deeds["kinds"] | undefined {
  const column = pick(table, columns.kind, ["text", "enum"]);
  if (!column || column === not) return undefined;
  return { column, values: new Map(column.values.map((value) => [value, actionOf(value)])) };
}

function directionOf(table: Table): { direction?: Direction } {
  const number = pick(table, columns.direction, ["number", "decimal"]);
  if (number) return { direction: { column: number, form: "sign" } };
  const flag = pick(table, columns.direction, ["boolean"]);
  if (flag) return { direction: { column: flag, form: "boolean" } };
  const word = pick(table, columns.direction, ["text", "enum"]) ?? pick(table, columns.kind, ["text", "enum"]);
  const down = word?.values.filter((value) => actionOf(value) === "dismissal") ?? [];
  const up = word?.values.filter((value) => actionOf(value) === "vote") ?? [];
  return word && down.length > 0 && up.length === word.values.length - down.length
    ? { direction: { column: word, form: { up, down } } }
    : {};
}

function ratingOf(table: Table): { rating?: Column } {
  const rating = pick(table, columns.rating, ["number", "decimal"]);
  return rating ? { rating } : {};
}

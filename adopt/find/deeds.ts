/** What people did with posts, as far as the tables of an app say it. */
import { type Column, sampleOf, type Table } from "../catalog/catalog.ts";
import { type Condition, pick, type TimeColumn } from "../catalog/pick-columns.ts";
import { type Action, actionOf, columns, plainName, singular, wordsOf } from "../catalog/words.ts";
import type { PersonColumn } from "./find-people.ts";

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

// Which columns of a table say what was done: its times, kinds, for or against.

export function wordFor(words: string, action: Action): string {
  if (action === "comment" || action === "dismissal") return action;
  const word = wordsOf(words).findLast((word) => actionOf(word) === action);
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
    const action = name === "hidden_at" ? "dismissal" : actionOf(name.replace(/_(at|on|time)$/, ""));
    // first_visited_at and read_at are both views: one of them is enough
    if (action && !found.some((moment) => moment.action === action && action === "view"))
      found.push({ column, word: action === "dismissal" ? action : wordFor(name, action), action });
  }
  return found;
}

export function kindsOf(table: Table, not: Column | undefined): Deeds["kinds"] | undefined {
  const column = pick(table, columns.kind, ["text", "enum"]);
  if (!column || column === not) return undefined;
  // of many different ones at least the commonest
  const values =
    column.values.length > 0
      ? column.values
      : (table.sample?.columns[column.name]?.values ?? []).map(([value]) => value);
  return { column, values: new Map(values.map((value) => [value, actionOf(value)])) };
}

export function directionOf(table: Table): { direction?: Direction } {
  const number = pick(table, columns.direction, ["number", "decimal"]);
  if (number && isDirection(table, number)) return { direction: { column: number, form: "sign" } };
  const flag = pick(table, columns.direction, ["boolean"]);
  if (flag) return { direction: { column: flag, form: "boolean" } };
  const word = pick(table, columns.direction, ["text", "enum"]) ?? pick(table, columns.kind, ["text", "enum"]);
  const down = word?.values.filter((value) => actionOf(value) === "dismissal") ?? [];
  const up = word?.values.filter((value) => actionOf(value) === "vote") ?? [];
  return word && down.length > 0 && up.length === word.values.length - down.length
    ? { direction: { column: word, form: { up, down } } }
    : {};
}

/** Whether some of its numbers are against something; where nobody can tell, whether its name says so rather than how much it is. */
function isDirection(table: Table, number: Column): boolean {
  const sampled = sampleOf(table, number);
  if (sampled && sampled.present > 0) return sampled.negative > 0;
  return !(/^(points|amount|weight|score)$/.test(plainName(number.name)) && kindsOf(table, undefined));
}

export function ratingOf(table: Table): { rating?: Column } {
  const rating = pick(table, columns.rating, ["number", "decimal"]);
  return rating ? { rating } : {};
}

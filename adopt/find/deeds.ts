/** What people did with posts, as far as the tables of an app say it. */
import type { Column, Table } from "../catalog/catalog.ts";
import type { Condition, TimeColumn } from "../catalog/pick-columns.ts";
import type { Action } from "../catalog/words.ts";
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

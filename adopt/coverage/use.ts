/** What the rows of a table are for a draft, noted where it is decided, so that the rows can be counted as the views will read them. */
import type { Column, Table } from "../catalog/catalog.ts";
import type { Condition } from "../catalog/pick-columns.ts";
import type { PersonColumn } from "../find/find-people.ts";

export interface TableUse {
  table: Table;
  /** A noun in the plural for them: posts, votes (like), muted people. */
  as: string;
  /** What holds of those that are read, as SQL that calls the table by its name; each may end with a comment. */
  where: string[];
  /** SQL of a join on which these depend. */
  join?: string | undefined;
  person?: PersonColumn | undefined;
  /** When they did it: the views leave out what has no time. */
  time?: Column | undefined;
  /** To whom they did it. */
  whom?: PersonColumn | undefined;
  /** The column that names a post, a row of one of several tables; `at`: what the query calls its own table, where that is another one. */
  post?: { column: Column; of: { table: Table; holds?: string }[]; at?: string } | undefined;
  /** What holds of a row without any text. */
  isEmpty?: string | undefined;
  /** The kind that each row says itself, as SQL, and as what others than the listed ones count; null: as nothing. */
  kinds?: { sql: string; listed: string[]; otherwise: string | null } | undefined;
  /** Conditions that are left out, since nothing would be left. */
  unheld?: (Condition & { left: number; rows: number })[];
}

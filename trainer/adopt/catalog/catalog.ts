/** What an app's database says of its own tables, as far as a draft of the source views goes by it. */

/** What a column's values are, whatever the name of their type; a domain counts as what it is made of. */
export type ColumnKind =
  | "uuid"
  | "number" // smallint, integer, bigint
  | "text" // text, varchar, char, citext
  | "timestamptz"
  | "timestamp"
  | "date"
  | "boolean"
  | "enum"
  | "texts" // an array of texts
  | "decimal" // numeric, real, double precision
  | "json" // which, unlike jsonb, cannot be compared
  | "jsonb"
  | "other";

export interface Column {
  name: string;
  kind: ColumnKind;
  /** Whether its type is the built-in one itself: no domain, citext or char(n), which functions would not take without a cast. */
  plain: boolean;
  notNull: boolean;
  /** Worked out from others by the table itself: no further generated column may read it. */
  generated: boolean;
  /** The values it may have, where an enum, a check or, failing these, the planner's statistics name them. */
  values: string[];
}

export interface ForeignKey {
  columns: string[];
  schema: string;
  table: string;
  referenced: string[];
}

/** A policy of row level security by which rows are read. */
export interface ReadPolicy {
  name: string;
  using: string;
}

export interface Table {
  schema: string;
  name: string;
  columns: Column[];
  /** Columns of the primary key; none: []. */
  primaryKey: string[];
  /** Columns that are unique by themselves. */
  unique: string[];
  foreignKeys: ForeignKey[];
  /** About how many rows, as the planner has it; null: it was never analysed. */
  rows: number | null;
  partitioned: boolean;
  rowSecurity: boolean;
  /** Those that hold for signed-in people. */
  readPolicies: ReadPolicy[];
  /** Whether members (authenticated) may select from it at all, and the service. */
  membersMayRead: boolean;
}

/** The tables of the app, without those of Supabase and of the engine. */
export type Catalog = Table[];

/** A column of a table by its name. */
export function columnOf(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name);
}

/** The one column by which a row of the table is known to other tables, a uuid, number or text; undefined: there is none. */
export function keyOf(table: Table): Column | undefined {
  const [name, second] = table.primaryKey;
  // a partitioned table has its range in the key
  const id = table.primaryKey.find((column) => column.toLowerCase() === "id");
  const key = columnOf(table, second === undefined ? (name ?? table.unique[0] ?? "") : (id ?? table.unique[0] ?? ""));
  return key && ["uuid", "number", "text"].includes(key.kind) ? key : undefined;
}

/** `schema.table` for a reader. */
export function nameOf({ schema, name }: Pick<Table, "schema" | "name">): string {
  return `${schema}.${name}`.replace(/\s+/g, " ");
}

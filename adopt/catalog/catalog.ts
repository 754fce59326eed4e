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
  | "uuids" // an array of uuids
  | "numbers" // an array of smallint, integer or bigint
  | "decimal" // numeric, real, double precision
  | "json" // which, unlike jsonb, cannot be compared
  | "jsonb"
  | "vector" // vector and halfvec of pgvector
  | "other";

export interface Column {
  name: string;
  kind: ColumnKind;
  /** Whether its type is the built-in one itself: no domain, citext or char(n), which functions would not take without a cast. */
  plain: boolean;
  notNull: boolean;
  /** Of a vector how many numbers its type says that it has; null: any, or it is none. */
  dimension: number | null;
  /** Worked out from others by the table itself: no further generated column may read it. */
  generated: boolean;
  /** The values it may have, where an enum or a check names them; failing these, those that the planner's statistics or a sample of rows have. */
  values: string[];
  /** Whether an enum or a check says that there are no others. */
  closed: boolean;
}

interface ForeignKey {
  columns: string[];
  schema: string;
  table: string;
  referenced: string[];
}

interface ReadPolicy {
  name: string;
  using: string;
  /** Other tables that it reads, with their schemas. */
  tables: string[];
  /** The definitions of the functions that it calls. */
  functions: string;
}

export interface Table {
  schema: string;
  name: string;
  columns: Column[];
  /** Columns of the primary key; none: []. */
  primaryKey: string[];
  /** Columns that are unique by themselves. */
  unique: string[];
  /** The columns of each unique index, null or not. */
  uniqueTogether: string[][];
  foreignKeys: ForeignKey[];
  /** About how many rows, as the planner has it; null: it was never analysed. */
  rows: number | null;
  partitioned: boolean;
  rowSecurity: boolean;
  /** Those that hold for signed-in people. */
  readPolicies: ReadPolicy[];
  membersMayRead: boolean;
  /** Whether they may select at least one column. */
  membersMayReadSome: boolean;
  /** What some of its rows say; undefined: they were not read. */
  sample?: TableSample | undefined;
  /** Where the ids of its rows say when these were created. */
  idTime?: IdTime | undefined;
  /** How its rows relate to posts and people; undefined: not queried. */
  compared?: ComparedRows | undefined;
}

/** How the rows of a table relate to rows of other tables. */
export interface ComparedRows {
  /** By columns that name a person, of a table that names posts: how many rows name the author of their post. */
  byAuthor: Record<string, { rows: number; same: number }>;
  /** Of a table of people: how many accounts have several rows. */
  severalRows?: number;
}

/** Rows of a table: all of a small one, some of a large one. */
export interface TableSample {
  rows: number;
  whole: boolean;
  /** By the name of the column; only of those that a draft may ask about. */
  columns: Record<string, SampledColumn>;
  /** Some ids, the greatest first. */
  ids: string[];
}

export interface SampledColumn {
  /** How many of the rows have it: not null, and no empty text. */
  present: number;
  /** How many are true, or of numbers not zero. */
  yes: number;
  negative: number;
  /** Bytes of those that are present, in the mean. */
  length: number;
  /** The commonest values and how often each is there; empty where it is no column that names kinds of things. */
  values: [value: string, times: number][];
  distinct: number;
}

/** How the ids of a table say when a row was created. */
export interface IdTime {
  /** As recsys.time_of_id knows it. */
  form: IdForm;
  /** The greatest id, and when its row was created by it. */
  newest: { id: string; at: Date };
}

export type IdForm = "aid" | "meid" | "objectid" | "ulid" | "uuid v7" | "mastodon" | "twitter" | "discord";

/** The tables of the app, without those of Supabase and of the engine. */
export type Catalog = Table[];

export function columnOf(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name);
}

/** Whether no two rows of a table have the same value of a column, as an index says. */
export function isOnce({ primaryKey, unique, uniqueTogether }: Table, { name }: Column): boolean {
  return (
    unique.includes(name) || [primaryKey, ...uniqueTogether].some((names) => names.length === 1 && names[0] === name)
  );
}

/** Whether a table is known to have no row. */
export function isEmpty({ sample }: Table): boolean {
  return sample?.whole === true && sample.rows === 0;
}

/** The one column by which a row of the table is known to other tables, a uuid, number or text; undefined: there is none. */
export function keyOf(table: Table): Column | undefined {
  const [name, second] = table.primaryKey;
  // a partitioned table has its range in the key
  const id = table.primaryKey.find((column) => column.toLowerCase() === "id");
  const key = columnOf(table, second === undefined ? (name ?? table.unique[0] ?? "") : (id ?? table.unique[0] ?? ""));
  return key && ["uuid", "number", "text"].includes(key.kind) ? key : undefined;
}

/** What the sampled rows say of a column; undefined: there are too few of them to go by. */
export function sampleOf({ sample }: Table, { name }: Column): SampledColumn | undefined {
  return sample && sample.rows >= enoughRows ? sample.columns[name] : undefined;
}

/** With fewer rows an app is new, and what is not there yet may come. */
const enoughRows = 20;

/** Whether a column exists and has no value in any row. */
export function isUnused(table: Table, column: Column): boolean {
  return sampleOf(table, column)?.present === 0;
}

export function nameOf({ schema, name }: Pick<Table, "schema" | "name">): string {
  return `${schema}.${name}`.replace(/\s+/g, " ");
}

/** Those values of a column that a draft, which others read, may repeat: all that the schema names, and of what rows say the words alone. */
export function sayableValues({ closed, values }: Column): string[] {
  return closed ? values : values.filter(isSayable);
}

/**
 * Whether a value is one or two words. A longer text that users write may hold a secret, an address or a letter;
 * recsys.check says as much.
 */
export function isSayable(value: string): boolean {
  return value.length <= 24 && /^[^\s\p{Cc}\p{Bidi_Control}@]+( [^\s\p{Cc}\p{Bidi_Control}@]+)?$/u.test(value);
}

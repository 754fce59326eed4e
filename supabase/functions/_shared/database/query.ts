/** Query builder for tables and views, typed by the database schema. `run` and `execute` send its statements. */
import {
  DummyDriver,
  type Expression,
  type Insertable,
  type InsertQueryBuilder,
  type InsertResult,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  sql,
} from "kysely";
import type { Arguments, FunctionName, FunctionRow } from "./database.ts";
import type { DB } from "./schema.ts";

/** The builder, without a connection. */
export const db = new Kysely<DB>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/**
 * Calls a function within a query; arguments may be columns:
 * `selectFrom(fn("recsys.similar_posts", { p_post_id }).as("similar"))`.
 */
export function fn<Name extends FunctionName>(
  name: Name,
  args: { [Argument in keyof Arguments<Name>]: Arguments<Name>[Argument] | Expression<unknown> },
): RawBuilder<FunctionRow<Name>> {
  const given = Object.entries<unknown>(args).filter(([, value]) => value !== undefined);
  return sql`${sql.raw(name)}(${sql.join(given.map(([argument, value]) => sql`${sql.raw(argument)} => ${value}`))})`;
}

/**
 * Element types of a list. Lists of lists are sent as array literals: Postgres reads nested arrays as one 2-D array.
 */
interface Types {
  boolean: boolean;
  bigint: number;
  integer: number;
  smallint: number;
  real: number;
  "double precision": number;
  timestamptz: Date;
  uuid: string;
  text: string;
  "extensions.vector": string;
  "text[]": string[];
  "real[]": number[];
}

/** The values of a column, one per row: a list, or its array literal. */
export type ColumnValues<Type extends keyof Types = keyof Types> = readonly [
  type: Type,
  values: readonly unknown[] | string,
];

/**
 * Many rows with one array parameter per column, to select from or to join; `number` counts the rows from 1.
 * @example db.selectFrom(unnest({ post_id: ["uuid", ids], score: ["real", scores] }).as("ranked"))
 */
export function unnest<Columns extends Record<string, ColumnValues>>(columns: Columns) {
  const each = Object.entries<ColumnValues>(columns);
  const lists = each.map(([, [type, values]]) => sql`${values}::${sql.raw(isList(type) ? "text" : type)}[]`);
  const names = each.map(([name]) => sql.ref(name));
  const cast = each.map(([name, [type]]) =>
    isList(type) ? sql`${sql.ref(name)}::${sql.raw(type)} as ${sql.ref(name)}` : sql.ref(name),
  );
  return sql<{ [Name in keyof Columns]: Types[Columns[Name][0]] } & { number: number }>`(
    select ${sql.join(cast)}, number from unnest(${sql.join(lists)}) with ordinality as listed (${sql.join(names)}, number))`;
}

const isList = (type: string) => type.endsWith("[]");

/**
 * Inserts many rows in one statement:
 * `insertRows("public.logins", { user_id: ["uuid", users], created_at: ["timestamptz", instants] })`.
 */
export function insertRows<Table extends keyof DB>(
  table: Table,
  columns: { [Name in keyof Insertable<DB[Table]>]?: ColumnValues },
): InsertQueryBuilder<DB, Table, InsertResult> {
  const names = Object.keys(columns);
  const rows = sql`select ${sql.join(names.map((name) => sql.ref(name)))} from ${unnest(columns as Record<string, ColumnValues>)} as listed`;
  return db
    .insertInto(table)
    .columns(names as never)
    .expression(rows as never);
}

/** Matches any of the values, sent as one array parameter: `where("post_id", "=", anyOf(ids))`. */
export function anyOf<Value>(values: readonly Value[]): RawBuilder<Value> {
  return sql`any(${values})`;
}

/** A nullable text column, with null read as the empty text. */
export function textOf(column: Expression<string | null>): RawBuilder<string> {
  return sql`coalesce(${column}, '')`;
}

/** A nullable list column: null becomes the empty list, and null elements are removed. */
export function listOf(column: Expression<string[] | null>): RawBuilder<string[]> {
  return sql`array_remove(coalesce(${column}, '{}'), null)`;
}

/** A timestamp as milliseconds since 1970. */
export function milliseconds(instant: Expression<unknown>): RawBuilder<number> {
  return sql`(extract(epoch from ${instant}) * 1000)::double precision`;
}

/** A timestamp from milliseconds since 1970. */
export function instantOf(milliseconds: number): RawBuilder<Date> {
  return sql`to_timestamp(${milliseconds}::double precision / 1000)`;
}

/** The number of rows as an integer, which every driver returns as a number. */
export function countOf(): RawBuilder<number> {
  return sql`count(*)::integer`;
}

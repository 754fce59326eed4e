/** Queries of tables and views, checked by the types that the migrations give. They are built here, and sent by `run` and its like. */
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

/** A call of a function within a query; its arguments may be columns: `selectFrom(fn("recsys.similar_posts", { p_post_id }).as("similar"))`. */
export function fn<Name extends FunctionName>(
  name: Name,
  args: { [Argument in keyof Arguments<Name>]: Arguments<Name>[Argument] | Expression<unknown> },
): RawBuilder<FunctionRow<Name>> {
  const given = Object.entries<unknown>(args).filter(([, value]) => value !== undefined);
  return sql`${sql.raw(name)}(${sql.join(given.map(([argument, value]) => sql`${sql.raw(argument)} => ${value}`))})`;
}

/** What a list may be of. A list of lists travels as literals, since Postgres would take an array of arrays for one. */
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

/** The values of a column, one a row: a list, or its literal. */
export type ColumnValues<Type extends keyof Types = keyof Types> = readonly [
  type: Type,
  values: readonly unknown[] | string,
];

/**
 * Many rows as a parameter a column, to select from or to join; `number` counts them from 1.
 *
 *     db.selectFrom(unnest({ post_id: ["uuid", ids], score: ["real", scores] }).as("ranked"))
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

/** Inserts many rows at once: `insertRows("public.logins", { user_id: ["uuid", users], created_at: ["timestamptz", instants] })`. */
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

/** One of some values, which travel as one parameter: `where("post_id", "=", anyOf(ids))`. */
export function anyOf<Value>(values: readonly Value[]): RawBuilder<Value> {
  return sql`any(${values})`;
}

/** A text that an app may leave null: the engine reads it as an empty one. */
export function textOf(column: Expression<string | null>): RawBuilder<string> {
  return sql`coalesce(${column}, '')`;
}

/** A list of texts that an app may leave null: an empty one, and without those that are null. */
export function listOf(column: Expression<string[] | null>): RawBuilder<string[]> {
  return sql`array_remove(coalesce(${column}, '{}'), null)`;
}

/** An instant as milliseconds since 1970. */
export function milliseconds(instant: Expression<unknown>): RawBuilder<number> {
  return sql`(extract(epoch from ${instant}) * 1000)::double precision`;
}

/** The same the other way round. */
export function instantOf(milliseconds: number): RawBuilder<Date> {
  return sql`to_timestamp(${milliseconds}::double precision / 1000)`;
}

/** How many rows there are, as an integer, which the driver of every runtime reads as a number. */
export function countOf(): RawBuilder<number> {
  return sql`count(*)::integer`;
}

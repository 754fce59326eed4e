import type { Compilable } from "kysely";
import type { Functions } from "./schema.ts";

/** The part of `pg` that functions use; only pool.ts imports the driver. */
export interface Pool {
  /**
   * Takes a connection for `person`, scheduled fairly between users (connection-scheduler.ts); left out: for the
   * service itself. `isBegun`: the request has had a connection before.
   */
  connect(person?: string, isBegun?: boolean): Promise<Connection>;
}

export interface Connection {
  query(text: string, values?: unknown[]): Promise<QueryAnswer>;
  /** Gives the connection back; `true` closes it. */
  release(destroy?: boolean): void;
}

interface QueryAnswer {
  rows: unknown[];
  /** Number of rows written or read. */
  rowCount?: number | null;
}

/** One query with its parameters. `Row` is the type of its rows. */
export interface Statement<Row> {
  text: string;
  values: unknown[];
  /** Never set; it only carries the row type. */
  row?: Row;
}

/** A query that can be sent: a statement (as `call` makes it) or one built with `db`. */
export type Query<Row> = Statement<Row> | Compilable<Row>;

/** Compiles a query to its text and parameters. */
export function toStatement<Row>(query: Query<Row>): Statement<Row> {
  if (!("compile" in query)) return query;
  const { sql, parameters } = query.compile();
  return { text: sql, values: [...parameters] };
}

async function send<Row>(connection: Pick<Connection, "query">, query: Query<Row>): Promise<QueryAnswer> {
  const { text, values } = toStatement(query);
  return await connection.query(text, values);
}

/** Runs a query and returns its rows, typed as `Row`. */
export async function run<Row>(connection: Pick<Connection, "query">, query: Query<Row>): Promise<Row[]> {
  return (await send(connection, query)).rows as Row[];
}

/** Runs a writing statement; resolves to the number of rows written. */
export async function execute(connection: Pick<Connection, "query">, query: Query<unknown>): Promise<number> {
  return (await send(connection, query)).rowCount ?? 0;
}

/** The functions of both schemas, as the migrations declare them. */
export type FunctionName = keyof Functions;
export type Arguments<Name extends FunctionName> = Functions[Name]["args"];
export type FunctionRow<Name extends FunctionName> = Functions[Name]["row"];

/**
 * Calls a function by argument names; undefined arguments get their defaults. A scalar result is a row
 * with one column, named as the function.
 *
 *     const made = call("recsys_engine.create_model", { p_name, p_feature_spec_digest, … });
 *     const [{ create_model }] = await run(client, made);
 *     // select * from recsys_engine.create_model(p_name => $1, p_feature_spec_digest => $2, …)
 *
 * Postgres does not report nullability of results, so the types assume that nothing is null. Where a
 * column can be null, declare the row type:
 *
 *     const statement: Statement<{ seconds: number | null }> = …
 */
export function call<Name extends FunctionName>(name: Name, args: Arguments<Name>): Statement<FunctionRow<Name>> {
  const given = Object.entries<unknown>(args).filter(([, value]) => value !== undefined);
  const named = given.map(([argument], i) => `${argument} => $${i + 1}`);
  return { text: `select * from ${name}(${named.join(", ")})`, values: given.map(([, value]) => value) };
}

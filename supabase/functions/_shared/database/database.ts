import type { Compilable } from "kysely";
import type { Functions } from "./schema.ts";

/** The part of `pg` that functions use; only pool.ts knows the driver. */
export interface Pool {
  /** `person`: for whom, since connections are fair between people (connection-scheduler.ts); left out: for the service itself. `isBegun`: the request had one before. */
  connect(person?: string, isBegun?: boolean): Promise<Connection>;
}

export interface Connection {
  query(text: string, values?: unknown[]): Promise<QueryAnswer>;
  /** Gives the connection back; `true` closes it. */
  release(destroy?: boolean): void;
}

interface QueryAnswer {
  rows: unknown[];
  /** How many were written, or read. */
  rowCount?: number | null;
}

/** One query with its parameters. `Row` is what its rows look like. */
export interface Statement<Row> {
  text: string;
  values: unknown[];
  /** Never set: carries the type of the rows. */
  row?: Row;
}

/** What may be sent: a statement (such as `call` makes), or what `db` builds. */
export type Query<Row> = Statement<Row> | Compilable<Row>;

/** A query as it is sent. */
export function toStatement<Row>(query: Query<Row>): Statement<Row> {
  if (!("compile" in query)) return query;
  const { sql, parameters } = query.compile();
  return { text: sql, values: [...parameters] };
}

async function send<Row>(connection: Pick<Connection, "query">, query: Query<Row>): Promise<QueryAnswer> {
  const { text, values } = toStatement(query);
  return await connection.query(text, values);
}

/** Runs a query; rows as its type says. */
export async function run<Row>(connection: Pick<Connection, "query">, query: Query<Row>): Promise<Row[]> {
  return (await send(connection, query)).rows as Row[];
}

/** Runs what writes; resolves to the number of rows that it wrote. */
export async function execute(connection: Pick<Connection, "query">, query: Query<unknown>): Promise<number> {
  return (await send(connection, query)).rowCount ?? 0;
}

/** The functions of both schemas, as their migrations declare them. */
export type FunctionName = keyof Functions;
export type Arguments<Name extends FunctionName> = Functions[Name]["args"];
export type FunctionRow<Name extends FunctionName> = Functions[Name]["row"];

/**
 * A call of a function, by the names of its arguments; one that is undefined has its default. A scalar comes as a row whose column is
 * named as the function.
 *
 *     const [{ create_model }] = await run(client, call("recsys_engine.create_model", { p_name, p_feature_spec_digest, … }));
 *     // select * from recsys_engine.create_model(p_name => $1, p_feature_spec_digest => $2, …)
 *
 * Postgres doesn't say what of a result is never null. The types say that nothing is; whoever knows better declares rows that say so:
 *
 *     const statement: Statement<{ seconds: number | null }> = …
 */
export function call<Name extends FunctionName>(name: Name, args: Arguments<Name>): Statement<FunctionRow<Name>> {
  const given = Object.entries<unknown>(args).filter(([, value]) => value !== undefined);
  const named = given.map(([argument], i) => `${argument} => $${i + 1}`);
  return { text: `select * from ${name}(${named.join(", ")})`, values: given.map(([, value]) => value) };
}

/** The part of `pg` that functions use; only pool.ts knows the driver. */
export interface Pool {
  connect(): Promise<Connection>;
}

export interface Connection {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives the connection back; `true` closes it. */
  release(destroy?: boolean): void;
}

/** One query with its parameters. `Row` is what its rows look like. */
export interface Statement<Row> {
  text: string;
  values: unknown[];
  /** Never set: carries the type of the rows. */
  row?: Row;
}

/** Runs a statement; rows as its type says. */
export async function run<Row>(connection: Connection, statement: Statement<Row>): Promise<Row[]> {
  const { rows } = await connection.query(statement.text, statement.values);
  return rows as Row[];
}

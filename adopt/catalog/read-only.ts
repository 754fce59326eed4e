/** Questions about rows, asked so that nobody waits for them: no lock is held, and none is waited for. */
import type pg from "pg";

/** Why there is no answer, said of the table. */
interface Unanswered {
  why: string;
}

/** No question takes longer, and none waits longer for a lock. */
const limits = "set local statement_timeout = '3s'; set local lock_timeout = '200ms'";

const reasons: Record<string, string> = {
  "42501": "its rows may not be read by this role",
  "55P03": "it is locked by somebody",
  "57014": "counting it takes too long",
};

export class Questions {
  /** All of them together end by then: an app may have hundreds of tables, each of them slow. */
  private readonly end = performance.now() + 60_000;

  private readonly client: pg.ClientBase;

  constructor(client: pg.ClientBase) {
    this.client = client;
  }

  /** The rows of an answer, or why there is none. The lock that reading takes goes with the savepoint, not first with the transaction. */
  async ask<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[] | Unanswered> {
    if (performance.now() > this.end) return { why: "a minute was spent on the others" };
    await this.client.query("savepoint question");
    try {
      await this.client.query(limits);
      const { rows } = await this.client.query<Row>(sql, values);
      return rows;
    } catch (error) {
      return { why: reasons[(error as pg.DatabaseError).code ?? ""] ?? (error as Error).message };
    } finally {
      await this.client.query("rollback to savepoint question; release savepoint question");
    }
  }
}

/** SQL of a table with a name, where no more than so many of its pages are read; `pages`: those that it has. */
export function sampledFrom(
  qualified: string,
  alias: string,
  pages: number,
  most: number,
): { sql: string; whole: boolean } {
  if (pages <= most) return { sql: `${qualified} as ${alias}`, whole: true };
  // repeatable: the same rows each time, so that what is counted in two questions fits together
  return { sql: `${qualified} as ${alias} tablesample system (${(100 * most) / pages}) repeatable (1)`, whole: false };
}

/** SQL of how many pages a table has, with all its partitions, of which one that is not partitioned has none: $1 is its name. */
export const pagesSql = `select (pg_catalog.pg_relation_size($1::pg_catalog.regclass)
  + coalesce((select sum(pg_catalog.pg_relation_size(tree.relid)) from pg_catalog.pg_partition_tree($1::pg_catalog.regclass) as tree where tree.isleaf), 0)) / 8192 as pages`;

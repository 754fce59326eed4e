/** Reads some rows of each table: what is filled, how long texts are, which kinds there are, what ids look like. */

import type pg from "pg";
import { type Column, keyOf, type SampledColumn, type Table, type TableSample } from "./catalog.ts";
import { identifier, qualified } from "./quote.ts";
import { columns, plainName } from "./words.ts";

/** Some 800 KB a table: 2,000 to 20,000 rows, which tell one in a hundred from none. */
const mostPages = 100;
const mostValues = 40;
const someIds = 100;

/** Undefined: they could not be read. */
export async function readSample(questions: Questions, table: Table): Promise<TableSample | undefined> {
  const sample = await questions.sample(table, "sampled", mostPages);
  if ("why" in sample) return undefined;
  const { sql: from, whole } = sample;
  const asked = table.columns.filter(({ kind }) => askedKinds.has(kind));
  const named = asked.filter(namesKinds);
  const select = [
    "count(*)::int as rows",
    ...asked.map((column, number) => `array[${factsOf(column)}] as facts_${number}`),
  ];
  const values = named.map(
    (column, number) =>
      `(select jsonb_agg(jsonb_build_array(value, times) order by times desc, value) from (select left(${identifier(column.name)}::text, 200) as value, count(*) as times, count(*) over () as different from rows where ${identifier(column.name)} is not null group by 1 order by 2 desc, 1 limit ${mostValues}) as common) as values_${number}, (select count(distinct ${identifier(column.name)}::text)::int from rows) as distinct_${number}`,
  );
  const read = await questions.ask<Record<string, unknown>>(
    `with rows as materialized (select ${asked.map(({ name }) => `sampled.${identifier(name)}`).join(", ") || "1"} from ${from}),
     facts as (select ${select.join(", ")} from rows)
     select ${["facts.*", ...values].join(", ")} from facts`,
  );
  if ("why" in read) return undefined;
  const [row] = read;
  const sampled = asked.map((column, number): [string, SampledColumn] => {
    const [present, yes, negative, length] = (row[`facts_${number}`] as (number | null)[]).map(Number);
    const place = named.indexOf(column);
    return [
      column.name,
      {
        present,
        yes,
        negative,
        length,
        values: place < 0 ? [] : ((row[`values_${place}`] as SampledColumn["values"] | null) ?? []),
        distinct: place < 0 ? 0 : (row[`distinct_${place}`] as number),
      },
    ];
  });
  return {
    rows: row.rows as number,
    whole,
    columns: Object.fromEntries(sampled),
    ids: await someOf(questions, table, from),
  };
}

/** Ids as text, the greatest first: that one is found by the index of the key, the others are of the sample. */
async function someOf(questions: Questions, table: Table, from: string): Promise<string[]> {
  const key = keyOf(table);
  if (!key) return [];
  const name = identifier(key.name);
  const ids = await questions.ask<{ id: string }>(
    `(select ${name}::text as id from ${qualified(table)} order by ${name} desc limit 1) union all (select sampled.${name}::text from ${from} limit ${someIds})`,
  );
  return "why" in ids ? [] : ids.map(({ id }) => id).filter((id) => id !== null);
}

const askedKinds = new Set(
  "text texts uuids numbers enum boolean uuid number decimal timestamptz timestamp date jsonb vector".split(
    " ",
  ) as Column["kind"][],
);

/** How many rows have it, in how many it is true or no zero, and how long it is. */
function factsOf({ name, kind }: Column): string {
  const column = identifier(name);
  const there =
    kind === "text"
      ? `${column}::text <> ''`
      : ["texts", "uuids", "numbers"].includes(kind)
        ? `cardinality(${column}) > 0`
        : `${column} is not null`;
  const isNumber = kind === "number" || kind === "decimal";
  const yes = kind === "boolean" ? column : isNumber ? `${column} <> 0` : "false";
  const negative = isNumber ? `${column} < 0` : "false";
  // octet_length of a long text is known without reading it
  const length = kind === "text" ? `avg(octet_length(${column}::text)) filter (where ${there})` : "0";
  return `count(*) filter (where ${there})::float8, count(*) filter (where ${yes})::float8, count(*) filter (where ${negative})::float8, coalesce(${length}, 0)::float8`;
}

/** Whether the values of a column are words for kinds of things. */
function namesKinds({ name, kind }: Column): boolean {
  if (kind === "enum") return true;
  const plain = plainName(name);
  return (
    kind === "text" &&
    (/(^|_)type$/.test(plain) ||
      [
        ...columns.kind,
        ...columns.state,
        ...columns.audience,
        ...columns.adult,
        ...columns.direction,
        ...columns.tagList,
      ].includes(plain))
  );
}

// Queries about rows that take no lock and wait for none.

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

  /**
   * SQL that reads `most` pages of a table under an alias, and whether these are all pages; or the reason that its
   * size is unknown.
   */
  async sample(
    table: Pick<Table, "schema" | "name">,
    alias: string,
    most: number,
  ): Promise<{ sql: string; whole: boolean } | Unanswered> {
    const size = await this.ask<{ pages: string }>(pagesSql, [qualified(table)]);
    if ("why" in size) return size;
    const pages = Number(size[0].pages);
    const sql = `${qualified(table)} as ${identifier(alias)}`;
    if (pages <= most) return { sql, whole: true };
    // repeatable: the same rows each time, so that the counts of two questions fit together
    return { sql: `${sql} tablesample system (${(100 * most) / pages}) repeatable (1)`, whole: false };
  }
}

/** SQL that counts the pages of table $1, its partitions included. */
const pagesSql = `select (pg_catalog.pg_relation_size($1::pg_catalog.regclass)
  + coalesce((select sum(pg_catalog.pg_relation_size(tree.relid)) from pg_catalog.pg_partition_tree($1::pg_catalog.regclass) as tree where tree.isleaf), 0)) / 8192 as pages`;

/** Copies the columns that a draft reads from an app's database into an embedded one, and applies the draft there. */
import type pg from "pg";
import { cursorPages } from "../../db/cursor.ts";
import type { WorkContext } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import { type Catalog, type Column, keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import { readingApp } from "../catalog/read-catalog.ts";
import { keepViewRows } from "./keep-view-rows.ts";

/** What was copied of a table; `leftOut`: about how many older rows were not. */
export interface CopiedTable {
  name: string;
  rows: number;
  leftOut: number;
}

/** The most rows that are copied: the newest. */
export interface CopyLimits {
  /** Of each table of posts. */
  posts: number;
  /** Of each other table. */
  others: number;
}

/** The migration, the tables of the app, and those of its posts. */
export interface DraftToCopy {
  sql: string;
  catalog: Catalog;
  posts: Table[];
}

type Context = Pick<WorkContext, "onProgress" | "signal">;

/** Rows that are in memory at a time: the views show at most 50,000 letters of a text. */
const rowsAtOnce = 1000;
const longestText = 50_000;

/**
 * Makes the tables that the views read in an embedded database which holds the engine and nothing else, fills them in one read-only transaction of the
 * app's database, and applies the draft. Throws a `UserError` where rows may not be read, or the draft cannot be applied.
 */
export async function copyApp(
  app: pg.Pool,
  embedded: pg.Pool,
  { sql, catalog, posts }: DraftToCopy,
  limits: CopyLimits,
  { onProgress, signal }: Context,
): Promise<CopiedTable[]> {
  const client = await embedded.connect();
  try {
    const { needed, copied } = await readingApp(app, async (reader) => {
      await reader.query("set local datestyle = 'ISO, YMD'");
      const tables = await withTypes(reader, [...catalog, accounts]);
      const needed = await tablesRead(client, tables, sql);
      await requireAllRows(reader, needed);
      await client.query(makingSql(needed));
      const copied: CopiedTable[] = [];
      for (const table of needed) {
        const most = posts.includes(table.of) ? limits.posts : limits.others;
        copied.push(await copyRows(reader, client, table, most, { onProgress, signal }));
      }
      return { needed, copied };
    });
    // the snapshot of the app is given back by now
    await client.query(needed.flatMap(indexesSql).join(";\n"));
    await client.query(sql);
    await keepViewRows(client);
    return copied;
  } finally {
    client.release();
  }
}

/** Supabase's own table of people, where a draft reads it. The embedded database has one. */
const accounts: Table = {
  schema: "auth",
  name: "users",
  columns: [],
  primaryKey: ["id"],
  unique: [],
  uniqueTogether: [],
  foreignKeys: [],
  rows: null,
  partitioned: false,
  rowSecurity: true,
  readPolicies: [],
  membersMayRead: false,
  membersMayReadSome: false,
};

/** A table with the types that its columns have in the copy. */
interface TypedTable {
  of: Table;
  types: Map<string, string>;
  /** The columns that are copied. */
  copied: string[];
}

/** A column of a table. */
interface NamedColumn {
  schema: string;
  name: string;
  column: string;
}

function columnsByTable<Row extends NamedColumn>(rows: Row[]): Map<string, Row[]> {
  const byTable = new Map<string, Row[]>();
  for (const row of rows) byTable.set(qualified(row), [...(byTable.get(qualified(row)) ?? []), row]);
  return byTable;
}

/** Enums, domains and types of extensions other than pgvector become what they are made of, or texts: views of a draft cast them anyway. */
const typesSql = `
with recursive bases as (
  select oid, oid as base from pg_catalog.pg_type where typtype <> 'd'
  union all
  select pg_type.oid, bases.base from pg_catalog.pg_type join bases on bases.oid = pg_type.typbasetype where pg_type.typtype = 'd'
)
select pg_namespace.nspname as schema, pg_class.relname as name, pg_attribute.attname as column,
  case
    when pg_type.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
      then pg_catalog.format_type(pg_type.oid, case when pg_attribute.atttypid = pg_type.oid then pg_attribute.atttypmod end)
    when pg_type.typname in ('vector', 'halfvec')
      then 'extensions.' || pg_catalog.regexp_replace(pg_catalog.format_type(pg_type.oid, pg_attribute.atttypmod), '^.*[.]', '')
    when pg_type.typcategory = 'A' then 'text[]'
    else 'text'
  end as type
from pg_catalog.pg_attribute
join pg_catalog.pg_class on pg_class.oid = pg_attribute.attrelid
join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
join bases on bases.oid = pg_attribute.atttypid
join pg_catalog.pg_type on pg_type.oid = bases.base
where pg_class.relkind in ('r', 'p') and pg_attribute.attnum > 0 and not pg_attribute.attisdropped and pg_namespace.nspname = any ($1)`;

async function withTypes(reader: pg.ClientBase, catalog: Catalog): Promise<TypedTable[]> {
  const { rows } = await reader.query<NamedColumn & { type: string }>(typesSql, [
    [...new Set(catalog.map(({ schema }) => schema))],
  ]);
  const byTable = columnsByTable(rows);
  return catalog.map((of) => {
    const known = new Set(of.columns.map(({ name }) => name));
    const typed = (byTable.get(qualified(of)) ?? []).filter(({ column }) => of === accounts || known.has(column));
    return { of, types: new Map(typed.map(({ column, type }) => [column, type])), copied: [] };
  });
}

/** The tables, and of each the columns, that views, triggers and added columns of the draft read: it is applied to empty tables and taken back. */
async function tablesRead(client: pg.ClientBase, tables: TypedTable[], sql: string): Promise<TypedTable[]> {
  await client.query("begin");
  try {
    await client.query(makingSql(tables));
    await client.query(sql).catch((error: Error) => {
      throw new UserError(
        `the draft cannot be applied: ${error.message}. Correct it by hand in your app (docs/drafting.md)`,
      );
    });
    const { rows } = await client.query<NamedColumn>(
      `select distinct pg_namespace.nspname as schema, pg_class.relname as name, pg_attribute.attname as column
       from pg_depend
       join pg_class on pg_class.oid = pg_depend.refobjid
       join pg_namespace on pg_namespace.oid = pg_class.relnamespace
       join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = pg_depend.refobjsubid
       where pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjsubid > 0
         and pg_depend.classid in ('pg_rewrite'::regclass, 'pg_attrdef'::regclass, 'pg_trigger'::regclass)`,
    );
    const read = columnsByTable(rows);
    return tables.flatMap((table) => {
      const columns = new Set(read.get(qualified(table.of))?.map(({ column }) => column));
      if (columns.size === 0) return [];
      for (const name of table.of.primaryKey) columns.add(name);
      const copied = [...table.types.keys()].filter((name) => columns.has(name));
      return copied.length > 0 ? [{ ...table, copied }] : [];
    });
  } finally {
    await client.query("rollback");
  }
}

/** Without conditions of the app: a draft needs the keys alone. */
function makingSql(tables: TypedTable[]): string {
  return tables
    .filter(({ of }) => of !== accounts)
    .map(({ of, types }) => {
      const columns = [...types].map(([name, type]) => `${identifier(name)} ${type}`);
      const keys = [
        ...(of.primaryKey.length > 0 ? [`primary key (${of.primaryKey.map(identifier).join(", ")})`] : []),
        ...of.uniqueTogether.map((names) => `unique (${names.map(identifier).join(", ")})`),
      ];
      return `create schema if not exists ${identifier(of.schema)}; create table ${qualified(of)} (${[...columns, ...keys].join(", ")});`;
    })
    .join("\n");
}

/** What joins of the views find rows by, and statistics of them. */
function indexesSql({ of, copied }: TypedTable): string[] {
  const named = new Set([
    ...of.foreignKeys.map(({ columns }) => columns[0]),
    ...copied.filter((name) => /(_|I)[dD]$/.test(name)),
  ]);
  const indexes = copied.filter((name) => named.has(name) && of.primaryKey[0] !== name);
  return [
    ...indexes.map((name) => `create index on ${qualified(of)} (${identifier(name)})`),
    `analyze ${qualified(of)}`,
  ];
}

/** Throws a `UserError` where row level security hides rows from the role that reads: a history with gaps would be replayed. */
async function requireAllRows(reader: pg.ClientBase, tables: TypedTable[]): Promise<void> {
  const { rows } = await reader.query<{ hidden: string[] | null; role: string }>(
    `select pg_catalog.array_agg(name) filter (where pg_catalog.row_security_active(name::pg_catalog.regclass)) as hidden, current_user as role
     from pg_catalog.unnest($1::text[]) as name`,
    [tables.map(({ of }) => qualified(of))],
  );
  const [{ hidden, role }] = rows;
  if (hidden)
    throw new UserError(
      `row level security hides rows of ${hidden.join(", ")} from the role ${role}: name one that reads all rows (\`alter role ${identifier(role)} bypassrls\`; postgres of a Supabase project does)`,
    );
}

/** The end of a query for the newest rows of a table that has more than `most`; nothing where all are wanted. */
export function newestFirst(table: Table, columns: string[], most: number): string {
  if (table.rows !== null && table.rows < 0.9 * most) return "";
  const times = table.columns.filter(
    ({ name, kind }) => columns.includes(name) && ["timestamptz", "timestamp", "date"].includes(kind),
  );
  const key = keyOf(table);
  const [first = key?.kind === "number" ? key : undefined, ...more] = times;
  if (!first) return ` limit ${most}`;
  // an index on the column is read backwards only where no null can come first
  const newest = (column: Column) => `${at(table.name, column)} desc${column.notNull ? "" : " nulls last"}`;
  const order =
    more.length === 0
      ? newest(first)
      : `greatest(${times.map((column) => `${at(table.name, column)}::timestamptz`).join(", ")}) desc nulls last`;
  return ` order by ${order} limit ${most}`;
}

async function copyRows(
  reader: pg.ClientBase,
  client: pg.ClientBase,
  { of, types, copied }: TypedTable,
  most: number,
  { onProgress, signal }: Context,
): Promise<CopiedTable> {
  const name = nameOf(of);
  const key = keyOf(of)?.name;
  const isText = (column: string) => of.columns.some(({ name, kind }) => name === column && kind === "text");
  const read = copied.map((column) =>
    isText(column) && column !== key
      ? `left(${identifier(column)}::text, ${longestText}) as ${identifier(column)}`
      : `${identifier(column)}::text`,
  );
  const text = `select ${read.join(", ")} from ${qualified(of)}${newestFirst(of, copied, most)}`;
  const insert = `insert into ${qualified(of)} (${copied.map(identifier).join(", ")})
    select ${copied.map((column, i) => `of_row.c${i}::${types.get(column)}`).join(", ")}
    from unnest(${copied.map((_, i) => `$${i + 1}::text[]`).join(", ")}) as of_row (${copied.map((_, i) => `c${i}`).join(", ")})`;
  const total = of.rows === null ? undefined : Math.min(most, of.rows);
  let rows = 0;
  try {
    for await (const page of cursorPages(reader, { text, values: [] }, rowsAtOnce)) {
      signal.throwIfAborted();
      await client.query(
        insert,
        copied.map((column) => page.rows.map((row) => row[column])),
      );
      rows += page.rows.length;
      onProgress({ step: `copying ${name}`, done: rows, ...(total && { total: Math.max(rows, total) }) });
    }
  } catch (error) {
    throw unread(error, of, copied);
  }
  return { name, rows, leftOut: Math.max(0, (of.rows ?? rows) - rows) };
}

/** Why rows cannot be read, with the cure; any other error as it is. */
function unread(error: unknown, table: Table, columns: string[]): unknown {
  const { code, message } = error as pg.DatabaseError;
  if (code === "42501")
    return new UserError(
      `${message}: \`grant select (${columns.map(identifier).join(", ")}) on ${qualified(table)}\` to the role of --database, and usage on its schema`,
    );
  if (code === "57014")
    return new UserError(
      `reading ${nameOf(table)} takes longer than a minute: try a replica, or a restored copy of the database`,
    );
  return error;
}

/** Filling tables of millions of rows: with their indexes and with a write-ahead log, 10 million interactions took hours. */
import type pg from "pg";

type Client = Pick<pg.ClientBase, "query">;

/** `rows`: what follows `insert into` and the table's name. Its indexes are made when the rows are there. */
export async function fillTable(client: Client, table: string, rows: string): Promise<void> {
  const indexes = await client.query<{ drop: string; create: string }>(
    `select
       case when constraints.oid is null then format('drop index %s', indexrelid::regclass)
         else format('alter table %s drop constraint %I', indrelid::regclass, conname) end as drop,
       case when constraints.oid is null then pg_get_indexdef(indexrelid)
         else format('alter table %s add constraint %I %s', indrelid::regclass, conname, pg_get_constraintdef(constraints.oid)) end as create
     from pg_index left join pg_constraint as constraints on constraints.conindid = indexrelid
     where indrelid = $1::regclass`,
    [table],
  );
  for (const { drop } of indexes.rows) await client.query(drop);
  await withoutLog(client, [table], () => client.query(`insert into ${table} ${rows}`));
  for (const { create } of indexes.rows) await client.query(create);
}

/** Fills tables by some work, without a write-ahead log until it is done. */
export async function withoutLog<Result>(
  client: Client,
  tables: string[],
  work: () => Promise<Result>,
): Promise<Result> {
  for (const table of tables) await client.query(`alter table ${table} set unlogged`);
  const result = await work();
  for (const table of tables) await client.query(`alter table ${table} set logged`);
  return result;
}

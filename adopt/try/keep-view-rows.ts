/** Materializes the source views of a copy. */
import type pg from "pg";
import { identifier } from "../catalog/quote.ts";

/**
 * Keeps what the drafted views show as tables with indexes, and has the views read these: a copy does not change, and joins of an app without the indexes that
 * `recsys check` proposes take minutes. Policies are not copied, so everybody may read all of it.
 */
export async function keepViewRows(client: pg.ClientBase): Promise<void> {
  await client.query(
    "create schema recsys_try; grant usage on schema recsys_try to authenticated, service_role; alter default privileges in schema recsys_try grant select on tables to authenticated, service_role",
  );
  const { rows } = await client.query<{ schema: string; name: string; columns: string[] }>(draftedViews);
  for (const { schema, name, columns } of rows) {
    const kept = `recsys_try.${identifier(name)}`;
    const ids = columns.filter((column) => column.endsWith("_id"));
    const time = columns.includes("created_at") ? ", created_at" : "";
    await client.query(`create table ${kept} as select * from ${schema}.${identifier(name)}`);
    for (const id of ids) await client.query(`create index on ${kept} (${id}${time})`);
    if (time) await client.query(`create index on ${kept} (created_at)`);
    await client.query(`analyze ${kept}`);
    await client.query(
      `create or replace view ${schema}.${identifier(name)} with (security_invoker = true) as select * from ${kept}`,
    );
  }
}

/** Source views that read another schema than the engine's. */
const draftedViews = `
select views.relnamespace::regnamespace::text as schema, views.relname as name,
  array(select attname::text from pg_attribute where attrelid = views.oid and attnum > 0 order by attnum) as columns
from pg_class as views
where views.relkind = 'v' and views.relname like 'source\\_%' and views.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
  and exists (
    select from pg_rewrite
    join pg_depend on pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid and pg_depend.refclassid = 'pg_class'::regclass
    join pg_class as tables on tables.oid = pg_depend.refobjid and tables.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
    where pg_rewrite.ev_class = views.oid
  )
order by views.relname`;

/**
 * Checks whether a database belongs to an app: its tables, beside the platform's and ours, must not be filled or
 * changed.
 */
import type { Database } from "./connect.ts";

/** Schemas that a Supabase project has by itself, and those of the engine. */
export const platformSchemas = [
  ..."information_schema auth storage realtime _realtime _analytics supabase_functions supabase_migrations".split(" "),
  ..."vault pgsodium pgsodium_masks graphql graphql_public net cron pgmq pgbouncer _supavisor extensions recsys recsys_engine".split(
    " ",
  ),
];

/** The example app's own tables, and the migration that makes them. */
const appTables = [
  "profiles",
  "projects",
  "posts",
  "post_views",
  "post_votes",
  "comments",
  "logins",
  "mutes",
  "follows",
  "preferences",
  "withheld",
];
const appMigration = "20261125000100";

/** Names of an app's own tables and views, `schema.table`, in order. An app's table that happens to have the name of one of ours counts too. */
export async function foreignTables({ pool }: Pick<Database, "pool">): Promise<string[]> {
  const { rows: found } = await pool.query<{ schema: string; name: string }>(
    `select pg_namespace.nspname as schema, pg_class.relname as name
     from pg_catalog.pg_class
     join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
     where pg_class.relkind in ('r', 'p', 'v', 'm', 'f') and not pg_class.relispartition
       and pg_namespace.nspname !~ '^pg_' and pg_namespace.nspname <> all ($1)
       and not exists (select from pg_catalog.pg_depend 
         where pg_depend.classid = 'pg_class'::regclass and pg_depend.objid = pg_class.oid and pg_depend.deptype = 'e')
     order by schema, name`,
    [platformSchemas],
  );
  const ours = (await hasExampleApp({ pool })) ? appTables : [];
  return found
    .filter(({ schema, name }) => !(schema === "public" && ours.includes(name)))
    .map(({ schema, name }) => `${schema}.${name}`);
}

/** The first names and how many more, for a message. */
export function someOf(names: string[], most = 2): string {
  const named = names.slice(0, most).join(", ");
  return names.length > most ? `${named} and ${names.length - most} more` : named;
}

/** Whether the migrations of this checkout made the example app here. */
export async function hasExampleApp({ pool }: Pick<Database, "pool">): Promise<boolean> {
  const history = "supabase_migrations.schema_migrations";
  const { rows } = await pool.query("select to_regclass($1) is not null as known", [history]);
  if (!rows[0].known) return false;
  return (await pool.query(`select from ${history} where version = $1`, [appMigration])).rowCount === 1;
}

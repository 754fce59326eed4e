/** What an installation left in an app's database, found in its catalog, and the statements that take it out again. */
import type pg from "pg";
import { UserError } from "../../db/user-error.ts";
import { identifier } from "../catalog/quote.ts";

/** A part of an uninstallation: a line that says what goes, and the statement that does it. */
export interface DatabaseStep {
  says: string;
  sql: string;
  values?: unknown[];
}

export interface InstalledInDatabase {
  steps: DatabaseStep[];
  /** What stays, a line each. */
  stays: string[];
}

/** Objects outside of the engine's schemas that depend on them, or on what a draft added to the app's tables. */
const dependentObjects = `
with recursive added as (
  select 'pg_class'::regclass as classid, pg_attribute.attrelid as objid, pg_attribute.attnum::integer as objsubid
  from pg_attribute
  join pg_class on pg_class.oid = pg_attribute.attrelid and pg_class.relkind in ('r', 'p')
  where pg_attribute.attname ~ '^recsys_' and pg_attribute.attgenerated <> '' and not pg_attribute.attisdropped
),
roots as (
  select 'pg_namespace'::regclass as classid, oid as objid, 0 as objsubid from pg_namespace where nspname in ('recsys', 'recsys_engine')
  union all
  select * from added
  union all
  select 'pg_class'::regclass, to_regclass('public.recsys_people')::oid, 0 where to_regclass('public.recsys_people') is not null
  union all
  select 'pg_proc'::regclass, to_regprocedure('public.recsys_people_of_accounts()')::oid, 0 where to_regprocedure('public.recsys_people_of_accounts()') is not null
),
doomed as (
  select * from roots
  union
  select pg_depend.classid::regclass, pg_depend.objid, pg_depend.objsubid
  from doomed
  join pg_depend on pg_depend.refclassid = doomed.classid and pg_depend.refobjid = doomed.objid and (doomed.objsubid = 0 or pg_depend.refobjsubid = doomed.objsubid)
)
select distinct object.type, object.identity, places.names[1] as schema_name, places.names[2] as table_name, places.names[3] as part_name,
  exists (select from added where added.classid = doomed.classid and added.objid = doomed.objid and added.objsubid = doomed.objsubid) as is_added,
  exists (select from pg_attrdef join added on added.objid = pg_attrdef.adrelid and added.objsubid = pg_attrdef.adnum where doomed.classid = 'pg_attrdef'::regclass and pg_attrdef.oid = doomed.objid) as is_of_added
from doomed
cross join lateral pg_identify_object(doomed.classid, doomed.objid, doomed.objsubid) as object
cross join lateral (select (pg_identify_object_as_address(doomed.classid, doomed.objid, doomed.objsubid)).object_names) as places (names)
where coalesce(object.schema, places.names[1]) not in ('recsys', 'recsys_engine', 'pg_toast')
  -- those of a foreign key go with it
  and not exists (select from pg_trigger where doomed.classid = 'pg_trigger'::regclass and pg_trigger.oid = doomed.objid and pg_trigger.tgisinternal)
order by object.type, object.identity`;

interface DependentObject {
  type: string;
  identity: string;
  schema_name: string;
  table_name: string;
  part_name: string | null;
  is_added: boolean;
  is_of_added: boolean;
}

/** The table and the trigger function that a draft makes where an app has no table of people. */
const ofPeople = /(^| on |^for )public\.recsys_people(_of_accounts\b|\b)/;

/**
 * Returns the steps of an uninstallation; null: nothing is installed. `versions`: of the recommender's migration files. Reads only. Throws a `UserError`
 * where objects of the app's own would go with it.
 */
export async function readInstalled(client: pg.ClientBase, versions: string[]): Promise<InstalledInDatabase | null> {
  const { rows: schemas } = await client.query(
    "select nspname from pg_namespace where nspname in ('recsys', 'recsys_engine') order by nspname",
  );
  const [history, dependent] = [
    await readHistory(client, versions),
    (await client.query<DependentObject>(dependentObjects)).rows,
  ];
  if (schemas.length === 0 && dependent.length === 0) return history ? { steps: [history], stays: [] } : null;
  const own = dependent.filter(
    ({ type, identity, is_added, is_of_added }) =>
      !(type === "trigger" || type === "index" || is_added || is_of_added || ofPeople.test(identity)),
  );
  if (own.length > 0)
    throw new UserError(
      `these are the app's own, use the recommender and would go with it; nothing was changed: ${own.map(nameOf).join(", ")}. Change or drop them first`,
    );
  const named = (type: string) => dependent.filter((object) => object.type === type);
  const columns = dependent.filter(({ is_added }) => is_added);
  const [{ tables, functions }] = (
    await client.query(`select
      count(*)::integer as tables,
      (select count(*)::integer from pg_proc where pronamespace::regnamespace::text in ('recsys', 'recsys_engine')) as functions
    from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace::regnamespace::text in ('recsys', 'recsys_engine')`)
  ).rows;
  const steps = [
    ...(await readSchedules(client)),
    ...(await readSecrets(client)),
    ...(await readGrants(client)),
    ...named("trigger").map(({ identity, part_name, schema_name, table_name }) => ({
      says: `trigger ${identity}`,
      sql: `drop trigger ${identifier(part_name ?? "")} on ${identifier(schema_name)}.${identifier(table_name)}`,
    })),
    ...(schemas.length > 0
      ? [
          {
            says: `${schemas.map(({ nspname }) => `schema ${nspname}`).join(" and ")}: ${tables} tables, ${functions} functions`,
            sql: `drop schema ${schemas.map(({ nspname }) => nspname).join(", ")} cascade`,
          },
        ]
      : []),
    ...(dependent.some(({ identity }) => ofPeople.test(identity))
      ? [
          {
            says: "table public.recsys_people and its trigger function, which a draft made",
            sql: "drop function if exists public.recsys_people_of_accounts() cascade; drop table if exists public.recsys_people",
          },
        ]
      : []),
    // indexes over functions of the schemas, or of that table, were dropped with them
    ...named("index").map(({ identity }) => ({ says: `index ${identity}`, sql: `drop index if exists ${identity}` })),
    ...columns.map(({ identity, schema_name, table_name, part_name }) => ({
      says: `column ${identity}`,
      sql: `alter table ${identifier(schema_name)}.${identifier(table_name)} drop column if exists ${identifier(part_name ?? "")}`,
    })),
    ...(history ? [history] : []),
  ];
  return { steps, stays: await readStaying(client) };
}

/** Does all steps in one transaction. Throws a `UserError` where others hold what has to go: then nothing was changed. */
export async function takeOut(client: pg.ClientBase, steps: DatabaseStep[]): Promise<void> {
  await client.query(
    "begin; set local statement_timeout = 0; set local lock_timeout = '5s'; set local client_min_messages = warning",
  );
  try {
    for (const { sql, values } of steps) await client.query(sql, values);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    // lock_not_available, deadlock_detected
    if (["55P03", "40P01"].includes((error as { code: string }).code))
      throw new UserError(
        "somebody uses the recommender's tables, and nothing was changed: end recsys serve and recsys worker, delete the deployed functions, and try again",
      );
    throw error;
  }
}

async function readSchedules(client: pg.ClientBase): Promise<DatabaseStep[]> {
  if (!(await isThere(client, "cron.job"))) return [];
  const { rows } = await client.query(
    "select jobid, jobname from cron.job where jobname like 'recsys %' order by jobname",
  );
  if (rows.length === 0) return [];
  const values = [rows.map(({ jobid }) => jobid)];
  const { rows: log } = await client.query(
    "select has_table_privilege(to_regclass('cron.job_run_details'), 'delete') is true as may_delete",
  );
  return [
    ...(log[0].may_delete
      ? [
          {
            says: "what pg_cron noted of its jobs",
            sql: "delete from cron.job_run_details where jobid = any ($1::bigint[])",
            values,
          },
        ]
      : []),
    {
      says: `jobs of pg_cron: ${rows.map(({ jobname }) => jobname).join(", ")}`,
      sql: "select cron.unschedule(jobid) from unnest($1::bigint[]) as jobs (jobid)",
      values,
    },
  ];
}

/** The project's address and key, by which pg_cron calls the function embed. */
async function readSecrets(client: pg.ClientBase): Promise<DatabaseStep[]> {
  if (!(await isThere(client, "vault.secrets"))) return [];
  const where = "from vault.secrets where name in ('recsys_project_url', 'recsys_secret_key')";
  const { rows } = await client.query(`select name ${where} order by name`);
  if (rows.length === 0) return [];
  return [{ says: `secrets of the Vault: ${rows.map(({ name }) => name).join(", ")}`, sql: `delete ${where}` }];
}

/** What recsys.grant_reads granted, as far as it is there. */
async function readGrants(client: pg.ClientBase): Promise<DatabaseStep[]> {
  if (!(await isThere(client, "recsys_engine.granted_reads"))) return [];
  const { rows } = await client.query(`
    select granted.role, pg_class.oid::regclass::text as relation, string_agg(quote_ident(pg_attribute.attname), ', ' order by pg_attribute.attnum) as columns
    from recsys_engine.granted_reads as granted
    join pg_class on pg_class.oid = granted.relation
    join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attname = granted.column_name and not pg_attribute.attisdropped
    group by granted.role, pg_class.oid order by 1, 2`);
  return rows.map(({ role, relation, columns }) => ({
    says: `right of ${role} to read ${relation} (${columns})`,
    sql: `revoke select (${columns}) on ${relation} from ${identifier(role)}`,
  }));
}

/** The rows by which the Supabase CLI knows the recommender's migrations. */
async function readHistory(client: pg.ClientBase, versions: string[]): Promise<DatabaseStep | null> {
  if (!(await isThere(client, "supabase_migrations.schema_migrations"))) return null;
  const { rows: named } = await client.query(
    "select from pg_attribute where attrelid = 'supabase_migrations.schema_migrations'::regclass and attname = 'name' and not attisdropped",
  );
  const ours = "name ~ '^recsys_(\\d+_\\d+_\\d+|unreleased|sources|events|events_in_turn)$'";
  const where = `version = any ($1)${named.length > 0 ? ` or ${ours}` : ""}`;
  const { rows } = await client.query(
    `select version from supabase_migrations.schema_migrations where ${where} order by version`,
    [versions],
  );
  if (rows.length === 0) return null;
  return {
    says: `rows of supabase_migrations.schema_migrations: ${rows.map(({ version }) => version).join(", ")}`,
    sql: `delete from supabase_migrations.schema_migrations where ${where}`,
    values: [versions],
  };
}

async function readStaying(client: pg.ClientBase): Promise<string[]> {
  const { rows: extensions } = await client.query(
    "select extname from pg_extension where extname in ('vector', 'pg_cron', 'pg_net', 'supabase_vault') order by extname",
  );
  const { rows: callers } = await client.query(`
    select pg_proc.oid::regprocedure::text as name from pg_proc
    where pg_proc.prosrc ~ '\\mrecsys(_engine)?\\.' and pg_proc.pronamespace::regnamespace::text not in ('recsys', 'recsys_engine', 'pg_catalog')
      and pg_proc.oid is distinct from to_regprocedure('public.recsys_people_of_accounts()') order by 1`);
  return [
    ...extensions.map(
      ({ extname }) => `extension ${extname}, which others may use: drop extension ${extname}, where nobody does`,
    ),
    ...callers.map(({ name }) => `function ${name}, whose text calls the recommender: it fails from then on`),
    "indexes over the app's own columns and rights that recsys check had you make: they are in migrations of yours",
  ];
}

async function isThere(client: pg.ClientBase, relation: string): Promise<boolean> {
  const { rows } = await client.query("select to_regclass($1) is not null as is_there", [relation]);
  return rows[0].is_there;
}

/** The name to print: a view instead of its rule. */
function nameOf({ type, identity }: DependentObject): string {
  return type === "rule" ? identity.replace(/^"_RETURN" on /, "view ") : `${type} ${identity}`;
}

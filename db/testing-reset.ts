/** For tests: puts an embedded database back as it was migrated, so that the next test file can use it. */
import type pg from "pg";

/** The state of a migrated database before a test uses it. */
export interface InitialState {
  /** A digest of its schemas, rights and roles. */
  schema: string;
  /** The rows of each table that has some, as JSON. */
  rows: Record<string, string>;
  /** Where each sequence is. */
  sequences: { name: string; last_value: string; is_called: boolean }[];
  bytes: number;
}

/** A database with this much more than a migrated one is not used again: its tables have empty pages that a plan would count. */
const maxGrowth = 4_000_000;

const isOwn = "nspname !~ '^pg_' and nspname <> 'information_schema'";

/** One digest of all that a test can change besides rows. */
const schemaDigest = `
  select md5(string_agg(part, E'\\n' order by part)) as schema from (
    select concat_ws(' ', 'class', pg_class.oid::regclass, relkind, relowner, relacl::text, reloptions::text, relrowsecurity, relforcerowsecurity, relreplident, relispartition) as part
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace where ${isOwn}
    union all
    select concat_ws(' ', 'column', attrelid::regclass, attnum, attname, atttypid, attnotnull, attacl::text, attgenerated, attidentity, attoptions::text)
    from pg_attribute join pg_class on pg_class.oid = attrelid join pg_namespace on pg_namespace.oid = relnamespace where ${isOwn}
    union all
    select concat_ws(' ', 'default', adrelid::regclass, adnum, adbin) from pg_attrdef
    union all
    select concat_ws(' ', 'function', pg_proc.oid::regprocedure, proowner, prosrc, prosqlbody::text, proacl::text, proconfig::text, prosecdef, provolatile)
    from pg_proc join pg_namespace on pg_namespace.oid = pronamespace where ${isOwn}
    union all
    select concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polpermissive, polroles::text, polqual::text, polwithcheck::text) from pg_policy
    union all
    select concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgfoid, tgtype, tgenabled, tgargs::text) from pg_trigger where not tgisinternal
    union all
    select concat_ws(' ', 'constraint', conrelid::regclass, conname, contype, convalidated, conkey::text, confrelid::regclass, conbin) from pg_constraint
    union all
    select concat_ws(' ', 'index', indexrelid::regclass, indisvalid, indpred::text) from pg_index where indrelid >= 16384
    union all
    select concat_ws(' ', 'rule', ev_class::regclass, rulename, ev_action::text) from pg_rewrite where ev_class >= 16384
    union all
    select concat_ws(' ', 'type', pg_type.oid::regtype, typtype, typacl::text) from pg_type join pg_namespace on pg_namespace.oid = typnamespace where ${isOwn}
    union all
    select concat_ws(' ', 'schema', nspname, nspowner, nspacl::text) from pg_namespace where nspname !~ '^pg_(toast_)?temp_'
    union all
    select concat_ws(' ', 'default rights', pg_default_acl.*::text) from pg_default_acl
    union all
    select concat_ws(' ', 'settings', setrole, setconfig::text) from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())
    union all
    select concat_ws(' ', 'role', rolname, rolsuper, rolinherit, rolcanlogin, rolbypassrls) from pg_roles
    union all
    select concat_ws(' ', 'member', roleid, member, inherit_option, set_option) from pg_auth_members
    union all
    select concat_ws(' ', 'extension', extname, extversion) from pg_extension
    union all
    select concat_ws(' ', 'publication', pubname) from pg_publication
    union all
    select concat_ws(' ', 'event trigger', evtname, evtenabled) from pg_event_trigger
    union all
    -- plans of an analyzed database are others
    select concat_ws(' ', 'statistics', starelid::regclass, staattnum) from pg_statistic where starelid >= 16384
  ) as parts`;

/** The tables that have pages, with their sizes. */
const writtenTables = `
  select pg_class.oid::regclass::text as name, pg_relation_size(pg_class.oid)::int as bytes
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where ${isOwn} and relkind = 'r' and pg_relation_size(pg_class.oid) > 0`;

const sequences = `
  select pg_class.oid::regclass::text as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace where ${isOwn} and relkind = 'S'`;

/** Reads what a migrated database has. */
export async function readInitialState(pool: pg.Pool): Promise<InitialState> {
  const rows: InitialState["rows"] = {};
  let bytes = 0;
  for (const table of (await pool.query<{ name: string; bytes: number }>(writtenTables)).rows) {
    bytes += table.bytes;
    const content = await readContent(pool, table.name);
    if (content !== "[]") rows[table.name] = content;
  }
  return { schema: await readSchema(pool), rows, sequences: await readSequences(pool), bytes };
}

async function readSchema(pool: pg.Pool): Promise<string> {
  return (await pool.query<{ schema: string }>(schemaDigest)).rows[0].schema;
}

async function readContent(pool: pg.Pool, table: string): Promise<string> {
  const { rows } = await pool.query<{ content: string }>(
    `select coalesce(json_agg(to_json(each) order by each::text), '[]')::text as content from ${table} as each`,
  );
  return rows[0].content;
}

async function readSequences(pool: pg.Pool): Promise<InitialState["sequences"]> {
  const names = (await pool.query<{ name: string }>(sequences)).rows.map(({ name }) => name);
  if (names.length === 0) return [];
  const each = names.map((name) => `select '${name}' as name, last_value::text, is_called from ${name}`);
  return (await pool.query(`${each.join(" union all ")} order by name`)).rows;
}

/**
 * Puts a database back as it was migrated: drops models, empties tables and restores the rows of migrations. Returns false, where a test has changed
 * the schema, rights or roles, or has left large tables: such a database is to be closed.
 */
export async function resetDatabase(pool: pg.Pool, initial: InitialState): Promise<boolean> {
  await pool.query("reset all; reset role; discard temp");
  await pool.query("update recsys.models set status = 'retired' where status = 'active'");
  await pool.query("select recsys_engine.drop_model(model_id) from recsys.models");
  const { rows: tables } = await pool.query<{ name: string; bytes: number }>(writtenTables);
  if (tables.reduce((sum, { bytes }) => sum + bytes, 0) > initial.bytes + maxGrowth) return false;
  if ((await readSchema(pool)) !== initial.schema) return false;
  const statements = ["set local session_replication_role = replica"];
  for (const { name } of tables) {
    const before = initial.rows[name];
    if (before === undefined) statements.push(`delete from ${name}`);
    else if ((await readContent(pool, name)) !== before)
      statements.push(`delete from ${name}`, await insertOf(pool, name, before));
  }
  for (const { name, last_value, is_called } of initial.sequences)
    statements.push(`select setval('${name}', ${last_value}, ${is_called})`);
  await pool.query(`begin; ${statements.join("; ")}; commit`);
  return true;
}

async function insertOf(pool: pg.Pool, table: string, content: string): Promise<string> {
  const { rows } = await pool.query<{ columns: string }>(
    `select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  );
  const [{ columns }] = rows;
  return `insert into ${table} (${columns}) overriding system value select ${columns} from json_populate_recordset(null::${table}, $json$${content}$json$)`;
}

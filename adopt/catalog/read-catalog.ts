/** Reads the app's tables from pg_catalog, in a transaction that cannot write. */
import type pg from "pg";
import { platformSchemas } from "../../db/foreign-tables.ts";
import { reading } from "../../db/reading.ts";
import type { Catalog, Column, Table, TableSample } from "./catalog.ts";
import { idTimeOf } from "./id-times.ts";
import { Questions, readSample } from "./read-samples.ts";

export async function readingApp<T>(pool: pg.Pool, read: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return await reading({ pool }, async (client) => {
    // so that policies and checks name everything with its schema
    await client.query("set local search_path = ''; set local statement_timeout = '60s'");
    return await read(client);
  });
}

/**
 * Reads the catalog of all schemas but Supabase's and the engine's, with sample rows of each table, in the client's
 * transaction. Leaves out what takes no view or trigger of a draft: partitions, tables that inherit, foreign tables.
 */
export async function readTables(client: pg.ClientBase): Promise<Catalog> {
  const { rows } = await client.query<{ table: ReadTable }>(tablesSql, [platformSchemas]);
  const questions = new Questions(client);
  const tables: Catalog = [];
  for (const { table } of rows) {
    const read = { ...table, columns: table.columns.map(withValues) };
    tables.push(sampled(read, await readSample(questions, read)));
  }
  return tables;
}

/** A column of kinds has at most this many values; one with more holds free text. */
const fewValues = 30;

function sampled(table: Table, sample: TableSample | undefined): Table {
  if (!sample) return table;
  const columns = table.columns.map((column) => {
    const { values = [], distinct = 0 } = sample.columns[column.name] ?? {};
    return column.values.length > 0 || distinct > fewValues
      ? column
      : { ...column, values: values.map(([value]) => value) };
  });
  return { ...table, columns, sample, idTime: idTimeOf(sample.ids) };
}

interface ReadTable extends Omit<Table, "columns"> {
  columns: ReadColumn[];
}

interface ReadColumn extends Omit<Column, "values" | "closed"> {
  labels: string[] | null;
  checks: string[];
  common: string[] | null;
}

function withValues({ labels, checks, common, ...column }: ReadColumn): Column {
  const checked = checks.flatMap((check) => [...check.matchAll(/'((?:[^']|'')*)'/g)].map(([, text]) => text));
  const values = labels ?? (checked.length > 0 ? checked.map((text) => text.replaceAll("''", "'")) : (common ?? []));
  return { ...column, values: [...new Set(values)], closed: labels !== null || checked.length > 0 };
}

const tablesSql = `
with recursive domains as (
  select oid, oid as base from pg_catalog.pg_type where typtype <> 'd'
  union all
  select pg_type.oid, domains.base from pg_catalog.pg_type join domains on domains.oid = pg_type.typbasetype where pg_type.typtype = 'd'
),
types as (
  select domains.oid, domains.base, pg_type.typname as name, pg_type.typtype, pg_type.typnamespace = 'pg_catalog'::pg_catalog.regnamespace as built_in,
    case
      when pg_type.typtype = 'e' then 'enum'
      when pg_type.typname = 'citext' then 'text'
      when pg_type.typname in ('vector', 'halfvec') then 'vector'
      when pg_type.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace then 'other'
      when pg_type.typname in ('int2', 'int4', 'int8') then 'number'
      when pg_type.typname in ('text', 'varchar', 'bpchar') then 'text'
      when pg_type.typname in ('_text', '_varchar') then 'texts'
      when pg_type.typname = '_uuid' then 'uuids'
      when pg_type.typname in ('_int2', '_int4', '_int8') then 'numbers'
      when pg_type.typname = 'bool' then 'boolean'
      when pg_type.typname in ('numeric', 'float4', 'float8') then 'decimal'
      when pg_type.typname in ('uuid', 'timestamptz', 'timestamp', 'date', 'json', 'jsonb') then pg_type.typname
      else 'other'
    end as kind
  from domains
  join pg_catalog.pg_type on pg_type.oid = domains.base
),
roles as (
  select pg_catalog.to_regrole('authenticated')::oid as members, pg_catalog.to_regrole('service_role')::oid as service
)
select pg_catalog.jsonb_build_object(
  'schema', pg_namespace.nspname,
  'name', pg_class.relname,
  'rows', case when pg_class.reltuples >= 0 then pg_class.reltuples end,
  'partitioned', pg_class.relkind = 'p',
  'rowSecurity', pg_class.relrowsecurity,
  'membersMayRead', coalesce(pg_catalog.has_schema_privilege(roles.members, pg_namespace.oid, 'usage') and pg_catalog.has_table_privilege(roles.members, pg_class.oid, 'select'), false),
  'membersMayReadSome', coalesce(pg_catalog.has_schema_privilege(roles.members, pg_namespace.oid, 'usage') and pg_catalog.has_any_column_privilege(roles.members, pg_class.oid, 'select'), false),
  'columns', coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', pg_attribute.attname,
      'kind', types.kind,
      'plain', pg_attribute.atttypid = types.base and types.built_in and types.name <> 'bpchar',
      'notNull', pg_attribute.attnotnull,
      'generated', pg_attribute.attgenerated <> '',
      'dimension', case when types.kind = 'vector' and pg_attribute.atttypmod > 0 then pg_attribute.atttypmod end,
      'labels', (select pg_catalog.jsonb_agg(pg_enum.enumlabel order by pg_enum.enumsortorder) from pg_catalog.pg_enum where pg_enum.enumtypid = types.base),
      'checks', coalesce((
        select pg_catalog.jsonb_agg(pg_catalog.pg_get_constraintdef(pg_constraint.oid))
        from pg_catalog.pg_constraint
        where pg_constraint.conrelid = pg_class.oid and pg_constraint.contype = 'c' and pg_constraint.conkey = array[pg_attribute.attnum]
          and pg_catalog.pg_get_constraintdef(pg_constraint.oid) ~ '= (ANY|'')' and types.kind = 'text'
      ), '[]'),
      'common', (
        select pg_catalog.to_jsonb(pg_stats.most_common_vals::text::text[])
        from pg_catalog.pg_stats
        where pg_stats.schemaname = pg_namespace.nspname and pg_stats.tablename = pg_class.relname and pg_stats.attname = pg_attribute.attname
          and types.kind = 'text' and pg_stats.n_distinct between 1 and 30
      )
    ) order by pg_attribute.attnum)
    from pg_catalog.pg_attribute
    join types on types.oid = pg_attribute.atttypid
    where pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
      -- what an earlier draft put there
      and pg_attribute.attname !~ '^recsys_'
  ), '[]'),
  'primaryKey', coalesce((
    select pg_catalog.jsonb_agg(pg_attribute.attname order by keys.place)
    from pg_catalog.pg_constraint
    cross join pg_catalog.unnest(pg_constraint.conkey) with ordinality as keys (attnum, place)
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = keys.attnum
    where pg_constraint.conrelid = pg_class.oid and pg_constraint.contype = 'p'
  ), '[]'),
  'unique', coalesce((
    select pg_catalog.jsonb_agg(pg_attribute.attname order by pg_attribute.attnum)
    from pg_catalog.pg_index
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = pg_index.indkey[0]
    where pg_index.indrelid = pg_class.oid and pg_index.indisunique and pg_index.indisvalid and pg_index.indnkeyatts = 1 and pg_index.indpred is null and pg_attribute.attnotnull
  ), '[]'),
  'uniqueTogether', coalesce((
    select pg_catalog.jsonb_agg((
      select pg_catalog.jsonb_agg(pg_attribute.attname order by keys.place)
      from pg_catalog.unnest(pg_index.indkey::int2[]) with ordinality as keys (attnum, place)
      join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = keys.attnum
      where keys.place <= pg_index.indnkeyatts
    ) order by pg_index.indexrelid)
    from pg_catalog.pg_index
    where pg_index.indrelid = pg_class.oid and pg_index.indisunique and pg_index.indisvalid and pg_index.indpred is null and pg_index.indexprs is null
  ), '[]'),
  'foreignKeys', coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'schema', target_schema.nspname,
      'table', target.relname,
      'columns', (
        select pg_catalog.jsonb_agg(pg_attribute.attname order by keys.place)
        from pg_catalog.unnest(pg_constraint.conkey) with ordinality as keys (attnum, place)
        join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = keys.attnum
      ),
      'referenced', (
        select pg_catalog.jsonb_agg(pg_attribute.attname order by keys.place)
        from pg_catalog.unnest(pg_constraint.confkey) with ordinality as keys (attnum, place)
        join pg_catalog.pg_attribute on pg_attribute.attrelid = target.oid and pg_attribute.attnum = keys.attnum
      )
    ) order by pg_constraint.conname)
    from pg_catalog.pg_constraint
    join pg_catalog.pg_class as target on target.oid = pg_constraint.confrelid
    join pg_catalog.pg_namespace as target_schema on target_schema.oid = target.relnamespace
    where pg_constraint.conrelid = pg_class.oid and pg_constraint.contype = 'f'
  ), '[]'),
  'readPolicies', coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', pg_policy.polname,
      'using', coalesce(pg_catalog.pg_get_expr(pg_policy.polqual, pg_policy.polrelid), 'true'),
      'tables', coalesce((
        select pg_catalog.jsonb_agg(distinct named_schema.nspname || '.' || named.relname)
        from pg_catalog.pg_depend
        join pg_catalog.pg_class as named on named.oid = pg_depend.refobjid
        join pg_catalog.pg_namespace as named_schema on named_schema.oid = named.relnamespace
        where pg_depend.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and pg_depend.objid = pg_policy.oid
          and pg_depend.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and pg_depend.refobjid <> pg_policy.polrelid
      ), '[]'),
      'functions', coalesce((
        select pg_catalog.string_agg(pg_catalog.pg_get_functiondef(pg_proc.oid), E'\\n' order by pg_proc.oid)
        from pg_catalog.pg_depend
        join pg_catalog.pg_proc on pg_proc.oid = pg_depend.refobjid and pg_proc.prokind = 'f'
        where pg_depend.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and pg_depend.objid = pg_policy.oid
          and pg_depend.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      ), '')
    ) order by pg_policy.polname)
    from pg_catalog.pg_policy
    where pg_policy.polrelid = pg_class.oid and pg_policy.polcmd in ('r', '*') and pg_policy.polpermissive
      and (pg_policy.polroles @> '{0}' or pg_policy.polroles @> array[roles.members])
  ), '[]')
) as table
from pg_catalog.pg_class
join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
cross join roles
where pg_class.relkind in ('r', 'p') and not pg_class.relispartition and pg_class.relpersistence <> 't' and pg_class.reloftype = 0
  and pg_namespace.nspname !~ '^pg_' and pg_namespace.nspname <> all ($1)
  and not exists (select from pg_catalog.pg_inherits where pg_inherits.inhrelid = pg_class.oid)
  and not exists (
    select from pg_catalog.pg_depend
    where pg_depend.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and pg_depend.objid = pg_class.oid and pg_depend.deptype = 'e'
  )
order by pg_namespace.nspname, pg_class.relname`;

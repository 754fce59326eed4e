/** An interface of the functions of both schemas, as `call` takes it: arguments by name, and what a row of the result has. */
import type pg from "pg";

interface DeclaredFunction {
  schema: string;
  name: string;
  comment: string | null;
  /** The last `defaults` of them may be left out. */
  arguments: { name: string; type: string }[];
  defaults: number;
  columns: { name: string; type: string }[];
}

/**
 * A scalar's only column has the function's name, as in `select * from f()`. Triggers are called by PostgreSQL
 * alone.
 */
const functionsSql = `
select pronamespace::regnamespace::text as schema, proname as name, obj_description(pg_proc.oid, 'pg_proc') as comment, pronargdefaults as defaults,
  coalesce((select json_agg(json_build_object('name', argument.name, 'type', format_type(argument.type, null)) order by place)
    from unnest(proargnames, coalesce(proallargtypes, proargtypes::oid[]), proargmodes) with ordinality as argument (name, type, mode, place)
    where coalesce(mode, 'i') in ('i', 'b', 'v') and argument.type is not null), '[]') as arguments,
  coalesce(
    (select json_agg(json_build_object('name', argument.name, 'type', format_type(argument.type, null)) order by place)
      from unnest(proargnames, proallargtypes, proargmodes) with ordinality as argument (name, type, mode, place)
      where mode in ('o', 'b', 't')),
    (select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, null)) order by attnum)
      from pg_attribute join pg_type on attrelid = typrelid
      where pg_type.oid = prorettype and attnum > 0 and not attisdropped),
    json_build_array(json_build_object('name', proname, 'type', format_type(prorettype, null)))
  ) as columns
from pg_proc
where pronamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and prorettype <> 'trigger'::regtype and prokind = 'f'
order by schema, proname collate "C", pg_get_function_identity_arguments(pg_proc.oid) collate "C"`;

const numbers = ["smallint", "integer", "bigint", "real", "double precision"];
const dates = ["timestamp with time zone", "timestamp without time zone", "date"];

/** As the driver hands a value over; json is what the caller says it is. It leaves lists of an extension's types as they come. */
function resultType(type: string): string {
  if (/^\w+\..*\[\]$/.test(type)) return "string";
  if (type.endsWith("[]")) return `${resultType(type.slice(0, -2))}[]`;
  if (type === "void") return "unknown";
  if (type === "boolean") return "boolean";
  if (type === "bytea") return "Uint8Array";
  if (type === "json" || type === "jsonb") return "any";
  return numbers.includes(type) ? "number" : dates.includes(type) ? "Date" : "string";
}

/** As the driver takes one: json is text, since it would write a list as an array of Postgres. */
function argumentType(type: string): string {
  if (type.endsWith("[]")) return `readonly (${argumentType(type.slice(0, -2))} | null)[]`;
  if (type === "json" || type === "jsonb") return "string";
  if (type === "numeric" || type === "bigint") return "number | string";
  if (type === "bytea") return "Uint8Array";
  return dates.includes(type) ? "Date | string" : resultType(type);
}

function describe({ schema, name, comment, arguments: given, defaults, columns }: DeclaredFunction): string {
  const args = given.map((argument, i) =>
    i < given.length - defaults
      ? `${argument.name}: ${argumentType(argument.type)} | null`
      : `${argument.name}?: ${argumentType(argument.type)} | null | undefined`,
  );
  const row = columns.map((column) => `${column.name}: ${resultType(column.type)}`);
  const said = comment ? `  /** ${comment.replaceAll("*/", "* /")} */\n` : "";
  return `${said}  "${schema}.${name}": { args: { ${args.join("; ")} }; row: { ${row.join("; ")} } };`;
}

/** The interface as TypeScript. Of functions of one name it takes the one with the most arguments. */
export async function functionTypes(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<DeclaredFunction>(functionsSql);
  const widest = new Map<string, DeclaredFunction>();
  for (const row of rows) {
    const other = widest.get(row.name);
    if (!other || other.arguments.length < row.arguments.length) widest.set(row.name, row);
  }
  return `export interface Functions {\n${[...widest.values()].map(describe).join("\n")}\n}\n`;
}

/** Pieces of SQL: names, texts, and what the source views make of a column. */
import { type Column, keyOf, type Table } from "../catalog/catalog.ts";
import type { Condition } from "../catalog/pick-columns.ts";
import type { Joined } from "../catalog/references.ts";

// pg_get_keywords(), without those that may be a name anywhere; a test holds the list against PostgreSQL's
export const keywords = new Set(
  "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char character check coalesce collate collation column concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real references returning right row select session_user setof similar smallint some substring symmetric system_user table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable".split(
    " ",
  ),
);

export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !keywords.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function qualified({ schema, name }: Pick<Table, "schema" | "name">): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** A text as SQL; standard_conforming_strings is on, as it is by default. What would command a terminal is written as U&'\001b'. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  if (!/\p{Cc}/u.test(text)) return quoted;
  const code = (letter: string) => `\\${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `U&${quoted.replaceAll("\\", "\\\\").replace(/\p{Cc}/gu, code)}`;
}

/** One line for a reader, behind `--`: nothing in it can end the comment, command the terminal or turn the order of letters. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
}

/** A list of names as an argument of recsys.watch. */
export function nameList(names: string[]): string {
  return names.every((name) => /^[a-z_][a-z0-9_.]*$/.test(name) && name !== "null")
    ? `'{${names.join(",")}}'`
    : `array[${names.map(literal).join(", ")}]`;
}

/** A column of the table that the query calls `alias`. */
export function at(alias: string, { name }: Pick<Column, "name">): string {
  return `${identifier(alias)}.${identifier(name)}`;
}

/** A name for a joined table that is not that of the table which it is joined to. */
export function aliasBeside(alias: string, one: string, other: string): string {
  return alias === one ? other : one;
}

/** The join of a table that the query calls `joined` to the one that it calls `alias`. */
export function joinSql(alias: string, joined: string, { table, key, by }: Joined): string {
  return `join ${qualified(table)} as ${identifier(joined)} on ${at(joined, { name: key })} = ${at(alias, by)}`;
}

/** The uuid by which the engine knows what a column names. */
export function uuidSql(reference: string, { kind, plain }: Column): string {
  if (kind === "uuid") return plain ? reference : `${reference}::uuid`;
  return `recsys.id_of(${reference}${plain ? "" : kind === "number" ? "::bigint" : "::text"})`;
}

/** The uuid of a person who is known by a key alone, which no post has. */
export function personUuidSql(reference: string, column: Column): string {
  return uuidSql(reference, column).replace(/^recsys\.id_of\(/, "recsys.person_id_of(");
}

export function timeSql(reference: string, { kind, plain }: Column): string {
  switch (kind) {
    case "timestamptz":
      return plain ? reference : `${reference}::timestamptz`;
    case "timestamp":
      return `(${reference} at time zone 'UTC')`;
    case "date":
      // days go on where timestamps end; soundTime leaves them out from 2200 on
      return `(least(${reference}, '2200-01-01'::date)::timestamp at time zone 'UTC')`;
    default:
      // 10^11 seconds are in the year 5138, 10^11 milliseconds in 1973
      return `to_timestamp((greatest(${reference}, 0) / case when ${reference} >= 100000000000000 then 1000000.0 when ${reference} >= 100000000000 then 1000.0 else 1.0 end)::double precision)`;
  }
}

/** A strength as a real number, which has less room than others: one of 1e300 would end the view, and so would one of 1e-300. */
export function realSql(reference: string, { kind }: Column): string {
  return kind === "number"
    ? `${reference}::real`
    : `least(greatest(round(${reference}::numeric, 6), -1000000), 1000000)::real`;
}

/** A text of so many letters at most; none is an empty one. */
export function textSql(reference: string, column: Column, most: number): string {
  return `left(coalesce(${stringSql(reference, column)}, ''), ${most})`;
}

export function stringSql(reference: string, { kind, plain }: Column): string {
  return kind === "text" && plain ? reference : `${reference}::text`;
}

/** The entries of a list of texts, as far as the views show them. */
export function listSql(reference: string, { plain }: Column): string {
  return `array(select left(entry, 100) from unnest(${reference}${plain ? "" : "::text[]"}) as entry where entry is not null limit 100)`;
}

/** The entries of a list that is one text, as far as the views show them; `between`: a regular expression of what parts them. */
export function splitSql(reference: string, column: Column, between: string): string {
  return `array(select left(trim(both ' #' from entry), 100) from regexp_split_to_table(left(${stringSql(reference, column)}, 10000), ${literal(between)}) as entry where trim(both ' #' from entry) <> '' limit 100)`;
}

/**
 * A condition as SQL. What is absent is said without coalesce: of `coalesce("replyId", '') = ''` PostgreSQL knows no more than that it is some expression,
 * takes it for true of one row in 200, and then walks through all posts once for each of a feed.
 */
export function conditionSql(alias: string, { column, test }: Condition): string {
  const reference = at(alias, column);
  if (test === "null") return `${reference} is null`;
  if (test === "present") return column.kind === "text" ? `${reference} <> ''` : `${reference} is not null`;
  if (test === "absent")
    return column.kind === "text" ? `(${reference} is null or ${reference} = '')` : `${reference} is null`;
  if (test === "zero") return `(${reference} is null or ${reference} = 0)`;
  if (test === "not first") return `${reference} > 1`;
  if (test === "true" || test === "not true") return `${reference} is ${test}`;
  if ("notIn" in test) return `(${reference}::text in (${test.notIn.map(literal).join(", ")})) is not true`;
  return `${reference}::text in (${test.in.map(literal).join(", ")})`;
}

/** Times that the engine can count with: see the comment above the views. */
export function soundTime(reference: string): string {
  return `(${reference} >= '1990-01-01 00:00Z' and ${reference} < '2200-01-01 00:00Z') is true`;
}

/** An id that rows of no other table have; `otherwise`: the columns that tell rows apart where there is no key. */
export function eventId(number: number, table: Table, alias: string, otherwise: Column[]): string {
  const key = table.primaryKey.length === 1 ? keyOf(table) : undefined;
  if (key?.kind === "number") return `recsys.event_id_of(${number}, ${at(alias, key)}${key.plain ? "" : "::bigint"})`;
  if (key) return `recsys.event_id_of(${number}, ${stringSql(at(alias, key), key)})`;
  const names = table.primaryKey.length > 0 ? table.primaryKey.map((name) => ({ name })) : otherwise;
  return `recsys.event_id_of(${number}, concat_ws(' ', ${names.map((column) => at(alias, column)).join(", ")}))`;
}

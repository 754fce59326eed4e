/** Names and texts as SQL. */
import type { Column, Table } from "./catalog.ts";

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

/** A column of the table that the query calls `alias`. */
export function at(alias: string, { name }: Pick<Column, "name">): string {
  return `${identifier(alias)}.${identifier(name)}`;
}

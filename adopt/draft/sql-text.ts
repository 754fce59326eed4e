/** Pieces of SQL: what the source views make of a column. */
import { type Column, keyOf, type Table } from "../catalog/catalog.ts";
import type { Condition } from "../catalog/pick-columns.ts";
import { at, identifier, literal, qualified } from "../catalog/quote.ts";
import type { Joined } from "../catalog/references.ts";
import type { OfPosts } from "../find/interaction-tables.ts";

/** A list of names as an argument of recsys.watch. */
export function nameList(names: string[]): string {
  return names.every((name) => /^[a-z_][a-z0-9_.]*$/.test(name) && name !== "null")
    ? `'{${names.join(",")}}'`
    : `array[${names.map(literal).join(", ")}]`;
}

/** A name for a joined table that differs from that of the table it is joined to. */
export function joinedAlias(alias: string, one: string, other: string): string {
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

/** Where one table is about rows of several: those about this one. */
export function typeIsOneOf(alias: string | undefined, { type, values }: Pick<OfPosts, "type" | "values">): string {
  return `lower(${alias === undefined ? identifier(type.name) : at(alias, type)}::text) in (${[...new Set(values.map((value) => value.toLowerCase()))].map(literal).join(", ")})`;
}

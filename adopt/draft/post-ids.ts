/** Ids of posts in a draft: their own uuid, or a uuid made of their key. With several tables of posts the table's name is part of the key. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { at, identifier, literal } from "../catalog/quote.ts";
import type { OfPosts } from "../find/interaction-tables.ts";
import { addColumn, type Draft, type ShownColumn, shownId } from "./draft.ts";
import { stringSql, typeIsOneOf, uuidSql } from "./sql-text.ts";

/** The name of a table of posts in tags and ids. Undefined: the app has only one such table. */
export function kindOfPosts({ contents }: Draft, table: Table): string | undefined {
  if (contents.length < 2) return undefined;
  return contents.some((other) => other !== table && other.name === table.name) ? nameOf(table) : table.name;
}

/** The app's own id of a post as a text, such as `articles/1`. Null: it is a uuid or a number. */
export function externalIdSql(draft: Draft, of: Table, reference: string, column: Column): string {
  const kind = kindOfPosts(draft, of);
  if (kind !== undefined && column.kind !== "uuid") return keyWithKind(kind, reference, column);
  return column.kind === "text" ? `${reference}::text` : "null::text";
}

/** The uuid by which the engine knows a post of a table, by its key. */
export function postUuidSql(draft: Draft, of: Table, reference: string, column: Column): string {
  const kind = kindOfPosts(draft, of);
  return kind === undefined || column.kind === "uuid"
    ? uuidSql(reference, column)
    : `recsys.id_of(${keyWithKind(kind, reference, column)})`;
}

function keyWithKind(kind: string, reference: string, column: Column): string {
  return `${literal(`${kind}/`)} || ${stringSql(reference, column)}`;
}

/** The uuid of a post in its own table. */
export function shownKey(draft: Draft, table: Table, key: Column): ShownColumn {
  const uuid = (reference: string, column: Column) => postUuidSql(draft, table, reference, column);
  return shownId(draft, table, table.name, key, "recsys_id", uuid);
}

/** The column of its own table by which recsys.watch finds a post. */
export function watchedKey(draft: Draft, table: Table, key: Column): string | undefined {
  return kindOfPosts(draft, table) === undefined && key.plain ? key.name : shownKey(draft, table, key).watched;
}

/**
 * The post that a column of another table names, and the column by which recsys.watch finds it. That is the column itself, as far as it takes
 * it; where the name of the table is part of an id, it is one that the table works out.
 */
export function shownPost(
  draft: Draft,
  table: Table,
  alias: string,
  column: Column,
  of: Table,
  ofPosts?: OfPosts,
): ShownColumn {
  if (kindOfPosts(draft, of) === undefined || (column.kind === "uuid" && column.plain)) {
    const takes = column.plain && ["uuid", "number", "text"].includes(column.kind);
    return { sql: uuidSql(at(alias, column), column), watched: takes ? column.name : undefined, note: "" };
  }
  const tables = ofPosts ? (ofPosts.each ?? [{ of, values: ofPosts.values }]) : [];
  const uuid = (called: string | undefined) => {
    const reference = called === undefined ? identifier(column.name) : at(called, column);
    if (!ofPosts) return postUuidSql(draft, of, reference, column);
    const cases = tables.map(
      (each) =>
        `when ${isOfType(called, { ...ofPosts, values: each.values })} then ${postUuidSql(draft, each.of, reference, column)}`,
    );
    return `case ${cases.join(" ")} end`;
  };
  const added = addColumn(
    draft,
    table,
    "recsys_post_id",
    "uuid",
    [column, ...(ofPosts ? [ofPosts.type] : [])],
    uuid(undefined),
  );
  return { sql: added ? at(alias, { name: added }) : uuid(alias), watched: added, note: "" };
}

/** As typeIsOneOf, but immutable, for a generated column: the cast of an enum to text is not. */
function isOfType(alias: string | undefined, { type, values }: OfPosts): string {
  if (type.kind !== "enum") return typeIsOneOf(alias, { type, values });
  return `${alias === undefined ? identifier(type.name) : at(alias, type)} in (${values.map(literal).join(", ")})`;
}

/** The tables that a column references. With a type column: also the SQL condition that selects the rows of each table. */
export function namedPosts(alias: string, of: Table, ofPosts: OfPosts | undefined): { table: Table; holds?: string }[] {
  if (!ofPosts?.each) return [{ table: of }];
  return ofPosts.each.map(({ of, values }) => ({ table: of, holds: typeIsOneOf(alias, { ...ofPosts, values }) }));
}

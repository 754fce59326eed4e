/** How a draft shows people: by the uuid of auth.users, wherever that is. */
import type { Column, Table } from "../catalog/catalog.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import type { People, PersonColumn } from "../find/find-people.ts";
import { addColumn, addedName, byName, type Draft, type ShownColumn, shownId } from "./draft.ts";
import { joinedAlias, joinSql, personUuidSql, uuidSql } from "./sql-text.ts";

/** A person of a row, and how the table that has their uuid is joined to it. */
export interface ShownPerson extends ShownColumn {
  join?: string;
  /** The same for recsys.watch: the table, key and column in which it finds their uuid. */
  lookup?: string[] | undefined;
}

/**
 * The uuid of a person. The table that has it is joined in the same select: with a subquery for each row, or a join around a union,
 * one person's rows are found only by reading those of everybody. `as`: what the query calls that table.
 */
export function shownPerson(
  draft: Draft,
  table: Table,
  alias: string,
  person: PersonColumn,
  as = joinedAlias(alias, "who", "whom"),
): ShownPerson {
  const { column, holds } = person;
  const note = person.sure ? "" : draft.doubtColumn(table, column, byName);
  if (holds === "user id") return { ...shownId(draft, table, alias, column, addedName(column)), note };
  if (holds === "derived key")
    return { ...shownId(draft, table, alias, column, addedName(column), personUuidSql), note };
  const { people } = draft;
  if (!people) throw new Error("a person is known by a key of no table");
  draft.read.add(people.table);
  const { sql, watched } = personId(draft, people, as);
  const lookup = watched === undefined ? undefined : lookupIn(people.table, people.key, watched, column);
  return {
    sql,
    join: joinSql(alias, as, { table: people.table, key: people.key.name, by: column }),
    watched: lookup && column.name,
    lookup,
    note,
  };
}

/**
 * The uuid in the table of people itself. A person without a row of auth.users gets one made of their key, so that
 * others can mute and follow them.
 */
export function personId(draft: Draft, { table, key, userId }: People, alias: string): ShownColumn {
  const name = "recsys_user_id";
  if (!userId) return shownId(draft, table, alias, key, name, personUuidSql);
  if (userId === key || userId.notNull) return shownId(draft, table, alias, userId, name);
  const added = addColumn(
    draft,
    table,
    name,
    "uuid",
    [userId, key],
    `coalesce(${uuidSql(identifier(userId.name), userId)}, ${personUuidSql(identifier(key.name), key)})`,
  );
  return added
    ? { sql: at(alias, { name: added }), watched: added, note: "" }
    : shownId(draft, table, alias, userId, name);
}

/**
 * What recsys.watch is told of a table that has the uuid of whom a column of another one names. Undefined: it would not take it, since the
 * key is not unique by itself, or one of the types is a domain.
 */
export function lookupIn(table: Table, key: Column, uuid: string, by: Column): string[] | undefined {
  const takes =
    table.unique.includes(key.name) &&
    key.plain &&
    by.plain &&
    key.kind === by.kind &&
    ["uuid", "number", "text"].includes(by.kind);
  return takes ? [qualified(table), key.name, uuid] : undefined;
}

/** A draft while it is written: its statements, what it is unsure of, and the columns that it adds to the app's tables. */
import { type Column, type IdForm, nameOf, type Table } from "../catalog/catalog.ts";
import { idForms } from "../catalog/id-times.ts";
import type { TimeColumn } from "../catalog/pick-columns.ts";
import { at, identifier, literal, oneLine, qualified } from "../catalog/quote.ts";
import type { TableUse } from "../coverage/use.ts";
import type { SkippedTable } from "../find/find-actions.ts";
import type { People } from "../find/find-people.ts";
import { nameList, timeSql, uuidSql } from "./sql-text.ts";

export class Draft {
  readonly people: People | undefined;
  /** The tables of posts, the likeliest first. */
  readonly contents: Table[];
  readonly lines: string[] = [];
  readonly read = new Set<Table>();
  /** What it makes of the tables: to be counted. */
  readonly uses: TableUse[] = [];
  /** Columns that are added: by table, their names and what they are. */
  readonly added = new Map<Table, Map<string, { type: string; sql: string }>>();
  private readonly unsure: string[] = [];
  /** Columns of which the same is unsure, by what that is. */
  private readonly alike = new Map<string, Set<string>>();

  constructor(people: People | undefined, contents: Table[]) {
    this.people = people;
    this.contents = contents;
  }

  /** Notes what the draft is unsure of, and gives the comment that says so where it is. */
  doubt(about: string | Table, why: string): string {
    const line = oneLine(`${typeof about === "string" ? about : nameOf(about)}: ${why}`);
    if (!this.unsure.includes(line)) this.unsure.push(line);
    return ` -- unsure: ${oneLine(why)}`;
  }

  /** The same for what is unsure of many columns alike: one line names them all. */
  doubtColumn(table: Table, column: Column, why: string): string {
    this.alike.set(why, (this.alike.get(why) ?? new Set()).add(`${nameOf(table)}.${column.name}`));
    return ` -- unsure: ${oneLine(`${column.name} is ${why}`)}`;
  }

  unwatched(table: Table, why: string): string {
    this.doubt(table, `changes of it reach the feeds only when everything is recomputed: ${why}`);
    return `-- unsure: recsys.watch cannot follow ${oneLine(qualified(table))}: ${oneLine(why)}`;
  }

  /** What could not be understood is in no view, and each is said. */
  leaveOut(unclear: SkippedTable[]): void {
    for (const { table, why } of unclear) {
      this.doubt(table, `it is left out: ${why}`);
      this.lines.push(`-- unsure: ${oneLine(nameOf(table))} is left out: ${oneLine(why)}`);
    }
  }

  /** A view over the rows of several selects, which it calls `alias`. */
  view(name: string, alias: string, columns: string[], selects: string[]): void {
    this.lines.push(
      `create or replace view ${name} with (security_invoker = true) as`,
      `select ${columns.map((column) => `${alias}.${column}`).join(", ")} from (`,
      selects.join("\n  union all\n"),
      `) as ${alias};`,
      "",
    );
  }

  unsureLines(): string[] {
    return [...this.unsure, ...[...this.alike].map(([why, columns]) => oneLine(`${[...columns].join(", ")}: ${why}`))];
  }
}

/**
 * A column that the table itself works out of another one, so that row level security lets an index on it be used and recsys.watch can
 * name it. Undefined: it cannot be, since the other one is worked out too.
 */
export function addColumn(
  draft: Draft,
  table: Table,
  name: string,
  type: string,
  from: Column[],
  sql: string,
): string | undefined {
  if (from.some(({ generated }) => generated)) return undefined;
  const columns = draft.added.get(table) ?? new Map<string, { type: string; sql: string }>();
  draft.added.set(table, columns);
  const added = { type, sql };
  // two long names may begin alike, and one column may be both a person and a time
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${name}_${number}`;
    const there = columns.get(free);
    if (there === undefined) columns.set(free, added);
    else if (there.type !== added.type || there.sql !== added.sql) continue;
    return free;
  }
}

/** The statements that add them, one for each table, since each rewrites it. */
export function addedColumns(draft: Draft): string[] {
  if (draft.added.size === 0) return [];
  const { people } = draft;
  return [
    "-- Columns that indexes and recsys.watch can find. Each statement rewrites its table, and nobody reads or writes it meanwhile.",
    ...[...draft.added].flatMap(([table, columns]) => {
      const adding = [...columns].map(
        ([name, { type, sql }]) => `add column ${name} ${type} generated always as (${sql}) stored`,
      );
      return [
        `alter table ${qualified(table)} ${adding.join(", ")};`,
        ...(draft.contents.includes(table) && columns.has("recsys_id")
          ? [`create ${uniqueIn(table)}index on ${qualified(table)} (recsys_id);`]
          : []),
        ...(table === people?.table && columns.has("recsys_user_id")
          ? [`create ${uniqueIn(table, people.userId)}index on ${qualified(table)} (recsys_user_id);`]
          : []),
      ];
    }),
    "-- without statistics of the new columns, one person's rows would be found by reading everybody's until autovacuum has been there",
    `analyze ${[...draft.added.keys()].map(qualified).join(", ")};`,
    "",
  ];
}

/** Whether an index of what is made of the key, and of another column, is unique: in a partitioned table only together with its range. */
function uniqueIn({ partitioned, unique }: Table, other?: Column): string {
  return partitioned || (other && !unique.includes(other.name)) ? "" : "unique ";
}

/** A column of a table as a view shows it, and the name by which recsys.watch may know it. */
export interface ShownColumn {
  sql: string;
  watched: string | undefined;
  /** A comment on what is unsure of it, or none. */
  note: string;
}

/** The uuid that a column of ids stands for, made as `uuid` says. */
export function shownId(
  draft: Draft,
  table: Table,
  alias: string,
  column: Column,
  name: string,
  uuid: (reference: string, column: Column) => string = uuidSql,
): ShownColumn {
  if (column.kind === "uuid" && column.plain) return { sql: at(alias, column), watched: column.name, note: "" };
  return made(draft, table, alias, name, "uuid", column, uuid);
}

/** What is made of a column, by the table itself where it can be. */
function made(
  draft: Draft,
  table: Table,
  alias: string,
  name: string,
  type: string,
  of: Column,
  sql: (reference: string, column: Column) => string,
  note = "",
): ShownColumn {
  const added = addColumn(draft, table, name, type, [of], sql(identifier(of.name), of));
  return { sql: added ? at(alias, { name: added }) : sql(at(alias, of), of), watched: added, note };
}

/** What is unsure of a time by its type. */
export const timeDoubts: Partial<Record<Column["kind"], string>> = {
  timestamp: "a time without a zone, taken as UTC",
  date: "a day, taken as its first instant in UTC",
  number: "a number, taken as seconds, milliseconds or microseconds since 1970 by its size",
};

export function shownTime(
  draft: Draft,
  table: Table,
  alias: string,
  { column, form, doubt: why }: TimeColumn,
): ShownColumn {
  if (form) return timeInId(draft, table, alias, column, form);
  const byType = timeDoubts[column.kind];
  const note = [
    ...(why ? [draft.doubt(table, `${column.name}: ${why}`)] : []),
    ...(byType ? [draft.doubtColumn(table, column, byType)] : []),
  ].join(";");
  if (column.kind === "timestamptz" && column.plain) return { sql: at(alias, column), watched: column.name, note };
  return made(draft, table, alias, addedName(column), "timestamptz", column, timeSql, note);
}

/** The instant that an id says, in a column of its own. */
function timeInId(draft: Draft, table: Table, alias: string, key: Column, form: IdForm): ShownColumn {
  draft.doubtColumn(table, key, `no column says when a row was created, so its id does (${idForms[form]})`);
  // not the whole id: a session's id may let its owner in
  const { newest } = table.idTime as NonNullable<Table["idTime"]>;
  const note = ` -- unsure: ${oneLine(`by its id: the newest, ${newest.id.slice(0, 13)}…, would be of ${newest.at.toISOString().slice(0, 19)}Z`)}`;
  const sql = (reference: string) => `recsys.time_of_id(${reference}::text, ${literal(form)})`;
  return made(draft, table, alias, "recsys_created_at", "timestamptz", key, sql, note);
}

export function addedName({ name }: Column): string {
  return `recsys_${name.replace(/\W+/g, "_").toLowerCase().slice(0, 40)}`;
}

/** Where a column names a row of another table, and no foreign key says so. */
export const byName = "taken for what its name says, without a foreign key";

/** Why recsys.watch cannot find whom a row names. */
export const noUuid = "the person is looked up by what is no unique key, or of a type of its own";

/** What recsys.watch is told of a table: names of columns; undefined: there is none that it takes. */
interface Watched {
  id?: string | undefined;
  user?: string | undefined;
  post?: string | undefined;
  author?: string | undefined;
  created?: string | undefined;
  texts?: string[];
  others?: string[];
  lookup?: string[] | undefined;
}

/** A call of recsys.watch, with the arguments that are not its defaults; where it lacks a column, what is said instead. */
export function watchSql(
  draft: Draft,
  table: Table,
  kind: string,
  { lookup, ...watched }: Watched,
  otherwise: string,
): string {
  if (Object.values(watched).includes(undefined)) return draft.unwatched(table, otherwise);
  const { id, user, post, author, created, texts, others } = watched;
  const named = (parameter: string, name: string | undefined, usual: string) =>
    name === undefined || name === usual ? [] : [`${parameter} => ${literal(name)}`];
  const lists = (parameter: string, names: string[] | undefined) =>
    names === undefined ? [] : [`${parameter} => ${nameList([...new Set(names)])}`];
  return `select recsys.watch(${[
    literal(qualified(table)),
    literal(kind),
    ...named("p_id", id, "id"),
    ...named("p_user_id", user, "user_id"),
    ...named("p_post_id", post, "post_id"),
    ...named("p_author_id", author, "author_id"),
    ...named("p_created_at", created, "created_at"),
    ...lists("p_texts", texts),
    ...(others && others.length > 0 ? lists("p_others", others) : []),
    ...(lookup ? [`p_user_lookup => ${nameList(lookup)}`] : []),
  ].join(", ")});`;
}

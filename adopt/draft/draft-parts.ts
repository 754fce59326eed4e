/** The selects of which recsys.source_interactions and recsys.source_dismissals are made. */
import type { Column, Table } from "../catalog/catalog.ts";
import type { Condition } from "../catalog/pick-columns.ts";
import type { Deeds } from "../find/deeds.ts";
import type { PersonColumn } from "../find/find-people.ts";
import { byName, type Draft, type Shown, shownTime } from "./draft.ts";
import { type ShownPerson, shownPerson } from "./shown-person.ts";
import { at, conditionSql, literal, uuidSql } from "./sql-text.ts";

/** One select of the union. */
export interface Part {
  table: Table;
  /** What its rows are, in the plural. */
  as: string;
  user: ShownPerson;
  person: PersonColumn;
  /** Where the post is in the row of a comment: how that is joined. */
  comment?: string;
  /** What the query calls that row. */
  postAt?: string;
  post: string;
  postColumn: Column;
  created: Shown;
  /** The kind as SQL. */
  kind: string;
  /** What it counts as where recsys.kinds does not list it: another kind there, as a text. */
  otherwise?: string;
  value: string;
  where: string[];
  /** Columns beside person, post and time on which it depends. */
  others: string[];
  notes: string[];
  /** Columns that tell its rows apart where there is no key. */
  apart: Column[];
}

export function partOf(draft: Draft, deeds: Deeds): Part {
  const { table, person, post, postIsSure, ofPosts, elsewhere, time, word, conditions } = deeds;
  const alias = table.name;
  const user = shownPerson(draft, table, alias, person);
  const created = time
    ? shownTime(draft, table, alias, time)
    : {
        sql: "timestamptz '2000-01-01 00:00Z'",
        watched: undefined,
        note: draft.doubt(table, "it does not say since when; 2000 stands in"),
      };
  const notes = [
    ...deeds.doubts.map((why) => draft.doubt(table, why)),
    user.note,
    postIsSure ? "" : draft.doubtColumn(table, post, byName),
    created.note,
  ].filter((note) => note !== "");
  const more: Condition[] = [
    ...conditions.filter(({ column }) => column !== time?.column),
    ...elsewhere.map((column): Condition => ({ column, test: "absent" })),
  ];
  for (const { column, doubt: why } of more) if (why) notes.push(draft.doubt(table, `${column.name}: ${why}`));
  return {
    table,
    as: `${deeds.action}s${word === deeds.action ? "" : ` (${word})`}`,
    user,
    person,
    post: uuidSql(at(alias, post), post),
    postColumn: post,
    created,
    kind: literal(word),
    value: "null::real",
    where: [
      ...(post.notNull ? [] : [conditionSql(alias, { column: post, test: "present" })]),
      ...(ofPosts ? [isOneOf(alias, ofPosts)] : []),
      ...more.map((condition) => conditionSql(alias, condition)),
    ],
    others: [...(ofPosts ? [ofPosts.type.name] : []), ...more.map(({ column }) => column.name)],
    notes,
    apart: [person.column, post, ...(time ? [time.column] : [])],
  };
}

/** Where one table is about rows of several: those about this one. */
export function isOneOf(alias: string, { type, values }: NonNullable<Deeds["ofPosts"]>): string {
  return `lower(${at(alias, type)}::text) in (${[...new Set(values.map((value) => value.toLowerCase()))].map(literal).join(", ")})`;
}

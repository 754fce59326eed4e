/** Chooses the actor among several person columns of a row; another may name the author of the post. */
import type { Column, Table } from "../catalog/catalog.ts";
import { names, tableWords, wordsOfName } from "../catalog/words.ts";
import type { PersonColumn } from "./find-people.ts";

/** With fewer rows than this, a column is not judged by how often it names the author. */
const enoughRows = 20;
/** From this share of rows on, a column names the author of the post. Below it people may just vote for their own posts. */
const nearlyAll = 0.9;

const authors = /^(author|creator|created|owner|writer|publisher)$/;

/** Returns the actor of a row, with a line of doubt for each other candidate. `about`: the columns that name the post or comment. */
export function actorOf(
  table: Table,
  persons: PersonColumn[],
  about: Column[],
): { person: PersonColumn | undefined; doubts: string[] } {
  const [first] = persons;
  const able = persons.filter(({ column }) => !tableWords(column.name).some((word) => names.targets.has(word)));
  if (able.length < 2) return { person: first, doubts: [] };
  const [person, ...others] = able
    .map((each) => ({ each, points: pointsOf(table, each, able, about) }))
    .sort((one, other) => other.points - one.points)
    .map(({ each }) => each);
  return {
    person,
    doubts: others.map(
      ({ column }) =>
        `who did it is taken from ${person.column.name}, and not from ${column.name}${authorship(table, column) ?? ""}`,
    ),
  };
}

function pointsOf(table: Table, { column }: PersonColumn, persons: PersonColumn[], about: Column[]): number {
  const others = persons.filter((other) => other.column !== column).map((other) => other.column.name);
  const isUniqueWith = [table.primaryKey, ...table.uniqueTogether].some(
    (columns) =>
      columns.includes(column.name) &&
      about.some(({ name }) => columns.includes(name)) &&
      !columns.some((name) => others.includes(name)),
  );
  return (
    (namesAuthor(table, column) ? -100 : 0) +
    (isUniqueWith ? 10 : 0) -
    (wordsOfName(column.name).some((word) => authors.test(word)) ? 5 : 0)
  );
}

/** Whether a column names the author of the post in nearly all rows. */
export function namesAuthor({ compared }: Table, { name }: Column): boolean {
  const counted = compared?.byAuthor[name];
  return counted !== undefined && counted.rows >= enoughRows && counted.same > nearlyAll * counted.rows;
}

/** In how many rows a column names the author of the post, as a text; undefined: in half or fewer, or not counted. */
export function authorship(table: Table, { name }: Column): string | undefined {
  const counted = table.compared?.byAuthor[name];
  return counted && counted.same > counted.rows / 2
    ? `, which names the author of the post in ${counted.same} of ${counted.rows} rows`
    : undefined;
}

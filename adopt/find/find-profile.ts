/** Where people say of themselves what their own table has no column for: a table with one row for each of them. */
import { type Catalog, type Column, isUnused, type Table } from "../catalog/catalog.ts";
import { bodyOf, pick, pickUsed } from "../catalog/pick-columns.ts";
import type { References } from "../catalog/references.ts";
import { columns } from "../catalog/words.ts";
import { type People, type PersonColumn, personsOf } from "./find-people.ts";

export interface SelfTexts {
  bio: Column | undefined;
  location: Column | undefined;
  interests: Column | undefined;
}

export interface Profile extends SelfTexts {
  table: Table;
  /** Whose it is, once each. */
  person: PersonColumn;
}

/** What the columns of a table say of the person whose row it is. */
export function selfTextsOf(table: Table, isPeople = false): SelfTexts {
  const bio =
    pickUsed(table, columns.bio, ["text"]) ?? (isPeople && bodyOf(table)?.sure ? bodyOf(table)?.column : undefined);
  return {
    bio,
    location: pickUsed(table, ["location"], ["text"]),
    interests: pickUsed(table, columns.interests, ["texts"]),
  };
}

/** The same for a table of people that no other one completes: with columns that nobody has filled yet, for when somebody does. */
export function selfTextsAlone(table: Table): SelfTexts {
  const { bio, location, interests } = selfTextsOf(table, true);
  return {
    bio: bio ?? pick(table, columns.bio, ["text"]),
    location,
    interests: interests ?? pick(table, columns.interests, ["texts"]),
  };
}

export function findProfile(catalog: Catalog, people: People | undefined, references: References): Profile | undefined {
  if (!people || selfTextsOf(people.table, true).bio) return undefined;
  for (const table of catalog) {
    if (table === people.table) continue;
    const person = personsOf(table, people, references).find(
      ({ column, sure }) => sure && (table.unique.includes(column.name) || isKey(table, column)),
    );
    const texts = selfTextsOf(table);
    if (person && texts.bio && !isUnused(table, texts.bio)) return { table, person, ...texts };
  }
  return undefined;
}

function isKey({ primaryKey }: Table, { name }: Column): boolean {
  return primaryKey.length === 1 && primaryKey[0] === name;
}

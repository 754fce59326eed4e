/** A second table of people, each of whose rows is one of the first: whoever has a login beside the account by which others know them. */
import type { Table } from "../catalog/catalog.ts";
import type { Joined, References } from "../catalog/references.ts";
import { names, tableWords } from "../catalog/words.ts";
import { type People, type PersonColumn, personsOf } from "./find-people.ts";

export interface Beside {
  through: Joined;
  person: PersonColumn;
}

/**
 * The other table of people that the table refers to, and who they are: both by foreign keys, since a name alone would make a visit of a
 * page a login of its author.
 */
export function peopleBeside(table: Table, people: People | undefined, references: References): Beside | undefined {
  for (const { to, column, key, sure } of references.of(table)) {
    if (!sure || to === "auth.users" || to === people?.table || to === table) continue;
    const person = personsOf(to, people, references).find((person) => person.sure);
    if (!person) continue;
    const once = to.unique.includes(person.column.name);
    if (once || names.people.has(tableWords(to.name).at(-1) ?? ""))
      return { through: { table: to, key, by: column }, person };
  }
  return undefined;
}

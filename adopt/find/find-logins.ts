/** Which table says when people came back. */
import { type Catalog, type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { createdOf, pick, type TimeColumn } from "../catalog/pick-columns.ts";
import type { Joined, References } from "../catalog/references.ts";
import { tableWords } from "../catalog/words.ts";
import { type People, type PersonColumn, peopleBeside, personsOf } from "./find-people.ts";

export interface Logins {
  table: Table;
  person: PersonColumn;
  /** Where they are of another table of people, whose row says who it is: logins of users, who have an account each. */
  through: Joined | undefined;
  time: TimeColumn;
  /** Whether somebody came in, or was refused. */
  success: Column | undefined;
}

export function findLogins(catalog: Catalog, people: People | undefined, references: References): Logins | undefined {
  const found = catalog.flatMap((table): (Logins & { rank: number })[] => {
    const isNamed = tableWords(table.name).some((word) => /^(login|visit|session|signin)$/.test(word));
    const time = createdOf(table);
    if (!isNamed || !time || table === people?.table) return [];
    const [own] = personsOf(table, people, references);
    const beside = own ? undefined : peopleBeside(table, people, references);
    const person = own ?? beside?.person;
    // a visit of something is no login
    const elsewhere = references
      .of(table)
      .some(({ to, column }) => to !== people?.table && to !== "auth.users" && column !== beside?.through.by);
    if (!person || elsewhere) return [];
    return [
      {
        table,
        person,
        through: beside?.through,
        time,
        success: pick(table, ["success", "successful", "succeeded"], ["boolean"]),
        rank: /login|signin/i.test(table.name) ? 0 : /visit/i.test(table.name) ? 1 : 2,
      },
    ];
  });
  return found.sort((one, other) => one.rank - other.rank || nameOf(one.table).localeCompare(nameOf(other.table)))[0];
}

/** Which table says when people came back. */
import { type Catalog, nameOf, type Table } from "./catalog.ts";
import { type People, type PersonColumn, personsOf } from "./find-people.ts";
import { createdOf, type TimeColumn } from "./pick-columns.ts";
import type { References } from "./references.ts";
import { tableWords } from "./words.ts";

export interface Logins {
  table: Table;
  person: PersonColumn;
  time: TimeColumn;
}

export function findLogins(catalog: Catalog, people: People | undefined, references: References): Logins | undefined {
  const found = catalog.flatMap((table): (Logins & { rank: number })[] => {
    const rank = tableWords(table.name).findIndex((word) => /^(login|visit|session|signin)$/.test(word));
    const persons = personsOf(table, people, references);
    const time = createdOf(table);
    const elsewhere = references.of(table).some(({ to }) => to !== people?.table && to !== "auth.users");
    if (rank < 0 || !persons[0] || !time || elsewhere || table === people?.table) return [];
    return [
      {
        table,
        person: persons[0],
        time,
        rank: /login|signin/i.test(table.name) ? 0 : /visit/i.test(table.name) ? 1 : 2,
      },
    ];
  });
  return found.sort((one, other) => one.rank - other.rank || nameOf(one.table).localeCompare(nameOf(other.table)))[0];
}

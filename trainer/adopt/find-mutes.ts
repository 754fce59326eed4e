/** Which tables say what somebody does not want to see. */
import type { Catalog, Table } from "./catalog.ts";
import { type People, type PersonColumn, personsOf } from "./find-people.ts";
import type { References } from "./references.ts";
import { names, tableWords } from "./words.ts";

/** Whom or what somebody blocked. */
export interface Mutes {
  table: Table;
  person: PersonColumn;
  whom: PersonColumn;
}

export function findMutes(catalog: Catalog, people: People | undefined, references: References): Mutes[] {
  return catalog.flatMap((table) => {
    if (!tableWords(table.name).some((word) => /^(block|mute|ignore|blocked|muted|ignored)$/.test(word))) return [];
    const [person, whom] = personsOf(table, people, references);
    if (!person || !whom) return [];
    const isTarget = ({ column }: PersonColumn) => tableWords(column.name).some((word) => names.targets.has(word));
    // whoever is blocked is named as such; of two equal names the first blocks
    return [isTarget(person) && !isTarget(whom) ? { table, person: whom, whom: person } : { table, person, whom }];
  });
}

/** Who is who among an app's tables: people, posts, what people did, when they came back, whom they do not want to see. */
import { type Catalog, type Column, keyOf, nameOf, type Table } from "./catalog.ts";
import { type Actions, findActions, findOpening, type Opening } from "./find-actions.ts";
import { type Candidate, findPeople, type People, type PersonColumn, peopleOf, personsOf } from "./find-people.ts";
import { enoughForPosts, findPosts, type ParentColumn, parentsOf, type Tags, tagsOf } from "./find-posts.ts";
import { createdOf, type TimeColumn } from "./pick-columns.ts";
import { findReferences, type References } from "./references.ts";
import { names, tableWords } from "./words.ts";

export interface Posts {
  table: Table;
  key: Column;
  author: PersonColumn | undefined;
  parents: ParentColumn[];
  tags: Tags | undefined;
  /** Where their text is, where it is not in the table itself. */
  opening: Opening | undefined;
}

export interface Logins {
  table: Table;
  person: PersonColumn;
  time: TimeColumn;
}

/** Whom or what somebody blocked. */
export interface Mutes {
  table: Table;
  person: PersonColumn;
  whom: PersonColumn;
}

export interface Roles {
  references: References;
  people: People | undefined;
  posts: Posts | undefined;
  actions: Actions;
  logins: Logins | undefined;
  mutes: Mutes[];
  /** What else might hold people or posts, with points. */
  candidates: { people: Candidate[]; posts: Candidate[] };
}

export function findRoles(catalog: Catalog): Roles {
  const references = findReferences(catalog);
  const peopleCandidates = findPeople(catalog, references);
  const people = peopleCandidates[0] && peopleOf(peopleCandidates[0].table, references);
  const postCandidates = findPosts(catalog, people, references);
  const found = postCandidates[0] && postCandidates[0].points >= enoughForPosts ? postCandidates[0].table : undefined;
  const posts = found && {
    table: found,
    key: keyOf(found) as Column,
    author: personsOf(found, people, references)[0],
    parents: parentsOf(found, references),
    tags: tagsOf(found, references),
    opening: findOpening(catalog, found, people, references),
  };
  return {
    references,
    people,
    posts,
    actions: found ? findActions(catalog, found, posts?.opening, people, references) : { deeds: [], unclear: [] },
    logins: findLogins(catalog, people, references),
    mutes: findMutes(catalog, people, references),
    candidates: { people: peopleCandidates, posts: postCandidates },
  };
}

function findLogins(catalog: Catalog, people: People | undefined, references: References): Logins | undefined {
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

function findMutes(catalog: Catalog, people: People | undefined, references: References): Mutes[] {
  return catalog.flatMap((table) => {
    if (!tableWords(table.name).some((word) => /^(block|mute|ignore|blocked|muted|ignored)$/.test(word))) return [];
    const [person, whom] = personsOf(table, people, references);
    if (!person || !whom) return [];
    const isTarget = ({ column }: PersonColumn) => tableWords(column.name).some((word) => names.targets.has(word));
    // whoever is blocked is named as such; of two equal names the first blocks
    return [isTarget(person) && !isTarget(whom) ? { table, person: whom, whom: person } : { table, person, whom }];
  });
}

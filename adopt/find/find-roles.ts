/** Who is who among an app's tables: people, posts, what people did, when they came back, what they do not want to see. */
import { type Catalog, type Column, keyOf, type Table } from "../catalog/catalog.ts";
import { findReferences, type References } from "../catalog/references.ts";
import { type Actions, findActions } from "./find-actions.ts";
import { findOpening, type Opening } from "./find-comments.ts";
import { findLogins, type Logins } from "./find-logins.ts";
import { findMutes } from "./find-mutes.ts";
import { type Candidate, findPeople, type People, type PersonColumn, peopleOf, personsOf } from "./find-people.ts";
import { enoughForPosts, findPosts, findTimeless, type ParentColumn, parentsOf } from "./find-posts.ts";
import { findProfile, type Profile } from "./find-profile.ts";
import { type Tags, tagsOf } from "./find-tags.ts";

export interface Posts {
  table: Table;
  key: Column;
  author: PersonColumn | undefined;
  parents: ParentColumn[];
  tags: Tags | undefined;
  /** Where their text is, where it is not in the table itself. */
  opening: Opening | undefined;
}

export interface Roles {
  references: References;
  people: People | undefined;
  /** Where they say of themselves what their own table does not have. */
  profile: Profile | undefined;
  posts: Posts | undefined;
  actions: Actions;
  logins: Logins | undefined;
  muted: ReturnType<typeof findMutes>;
  /** What else might hold people or posts, with points. */
  candidates: { people: Candidate[]; posts: Candidate[] /** Which would be, if they said when. */; timeless: Table[] };
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
    tags: tagsOf(found, catalog, references),
    opening: findOpening(catalog, found, people, references),
  };
  return {
    references,
    people,
    profile: findProfile(catalog, people, references),
    posts,
    actions: found
      ? findActions(catalog, found, posts?.opening, people, references)
      : { deeds: [], onComments: [], unclear: [], leftOut: [] },
    logins: findLogins(catalog, people, references),
    muted: findMutes(catalog, people, posts?.tags, references),
    candidates: {
      people: peopleCandidates,
      posts: postCandidates,
      timeless: findTimeless(catalog, found, people, references),
    },
  };
}

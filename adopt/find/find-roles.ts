/** Who is who among an app's tables: people, posts, what people did, when they came back, whom they follow, what they do not want to see. */
import { type Catalog, type Column, keyOf, type Table } from "../catalog/catalog.ts";
import { findReferences } from "../catalog/references.ts";
import { type Actions, findActions, findOpening, type Opening } from "./find-actions.ts";
import { type FollowTable, findFollows } from "./find-follows.ts";
import { type Language, languageOf } from "./find-language.ts";
import { findMemberships } from "./find-memberships.ts";
import { findMutes, type MuteTable } from "./find-mutes.ts";
import {
  findLogins,
  findPeople,
  findProfile,
  type KnownApp,
  type Logins,
  type PersonColumn,
  type Profile,
  peopleOf,
  personsOf,
  type TableCandidate,
} from "./find-people.ts";
import { enoughForPosts, findPosts, findTimeless, type ParentColumn, parentsOf } from "./find-posts.ts";
import { type NamedGroup, type NamedThing, type Tags, tagsOf, thingsOf } from "./find-tags.ts";
import { findUserVectors, findVectors, type UserVectors } from "./find-vectors.ts";

export interface PostTable {
  table: Table;
  key: Column;
  author: PersonColumn | undefined;
  parents: ParentColumn[];
  tags: Tags | undefined;
  language: Language | undefined;
  /** Groups that it names besides, which people follow or block: shown among its tags. */
  groups: NamedGroup[];
  /** Where their text is, where it is not in the table itself. */
  opening: Opening | undefined;
  /** What other models made of them. */
  own: ReturnType<typeof findVectors>;
}

export interface Roles extends KnownApp {
  /** Where they say of themselves what their own table does not have. */
  profile: Profile | undefined;
  /** What other models made of people. */
  userVectors: UserVectors[];
  posts: PostTable | undefined;
  actions: Actions;
  logins: Logins | undefined;
  muted: ReturnType<typeof findMutes>;
  followed: ReturnType<typeof findFollows>;
  belonging: ReturnType<typeof findMemberships>;
  /** What else might hold people or posts, with points. */
  candidates: {
    people: TableCandidate[];
    posts: TableCandidate[] /** Which would be, if they said when. */;
    timeless: Table[];
  };
}

export function findRoles(catalog: Catalog): Roles {
  const references = findReferences(catalog);
  const peopleCandidates = findPeople(catalog, references);
  const people = peopleCandidates[0] && peopleOf(peopleCandidates[0].table, references);
  const app = { catalog, references, people };
  const postCandidates = findPosts(app);
  const found = postCandidates[0] && postCandidates[0].points >= enoughForPosts ? postCandidates[0].table : undefined;
  const tags = found && tagsOf(app, found);
  const things = thingsOf(app, found, tags);
  const followed = findFollows(app, found, tags, things);
  const muted = findMutes(app, found, tags, things);
  const posts = found && {
    table: found,
    key: keyOf(found) as Column,
    author: personsOf(app, found)[0],
    parents: parentsOf(found, references),
    tags,
    language: languageOf(app, found),
    groups: groupsNamed(things, [...followed.follows, ...muted.mutes]),
    opening: findOpening(app, found),
    own: findVectors(found, keyOf(found) as Column, references),
  };
  return {
    ...app,
    profile: findProfile(app),
    userVectors: findUserVectors(app, found),
    posts,
    actions: found
      ? findActions(app, found, posts?.opening)
      : { deeds: [], onComments: [], unclear: [], leftOut: [], repeats: [] },
    logins: findLogins(app),
    muted,
    followed,
    belonging: findMemberships(app, found),
    candidates: {
      people: peopleCandidates,
      posts: postCandidates,
      timeless: findTimeless(app, found),
    },
  };
}

/** Groups that people follow or block. Posts show their names among their tags. */
function groupsNamed(things: NamedThing[], named: (FollowTable | MuteTable)[]): NamedGroup[] {
  return things.flatMap(({ table, key, text, by }) =>
    by && named.some(({ what }) => "of" in what && what.of?.table === table) ? [{ table, key, by, word: text }] : [],
  );
}

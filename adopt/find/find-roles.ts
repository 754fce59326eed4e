/** Who is who among an app's tables: people, posts, what people did, when they came back, whom they follow, what they do not want to see. */
import { type Catalog, type Column, keyOf, type Table } from "../catalog/catalog.ts";
import { findReferences } from "../catalog/references.ts";
import {
  type Actions,
  findActions,
  findOpening,
  mergeActions,
  type Opening,
  type SkippedTable,
} from "./find-actions.ts";
import { findContents } from "./find-contents.ts";
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
import { findPosts, findTimeless, type ParentColumn, parentsOf } from "./find-posts.ts";
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
  /** All tables of posts, the likeliest first. */
  contents: PostTable[];
  actions: Actions;
  logins: Logins | undefined;
  muted: ReturnType<typeof findMutes>;
  followed: ReturnType<typeof findFollows>;
  belonging: ReturnType<typeof findMemberships>;
  /** What else might hold people or posts, with points. */
  candidates: {
    people: TableCandidate[];
    posts: TableCandidate[];
    /** Which would be posts, if they said when. */
    timeless: Table[];
    /** Which are none next to the likeliest, and why. */
    leftOut: SkippedTable[];
  };
}

export function findRoles(catalog: Catalog): Roles {
  const references = findReferences(catalog);
  const peopleCandidates = findPeople(catalog, references);
  const people = peopleCandidates[0] && peopleOf(peopleCandidates[0].table, references);
  const app = { catalog, references, people };
  const postCandidates = findPosts(app);
  const { tables, leftOut } = findContents(app, postCandidates);
  const [found] = tables;
  const tags = found && tagsOf(app, found);
  const things = thingsOf(app, found, tags);
  const followed = findFollows(app, found, tags, things);
  const muted = findMutes(app, found, tags, things);
  const contents = tables.map((table) => postTableOf(app, table, [...followed.follows, ...muted.mutes]));
  return {
    ...app,
    profile: findProfile(app),
    userVectors: findUserVectors(app, found),
    contents,
    actions: mergeActions(contents.map(({ table, opening }) => findActions(app, table, opening, tables))),
    logins: findLogins(app),
    muted,
    followed,
    belonging: findMemberships(app, tables),
    candidates: {
      people: peopleCandidates,
      posts: postCandidates,
      timeless: findTimeless(app, found),
      leftOut,
    },
  };
}

function postTableOf(app: KnownApp, table: Table, named: (FollowTable | MuteTable)[]): PostTable {
  const key = keyOf(table) as Column;
  const tags = tagsOf(app, table);
  return {
    table,
    key,
    author: personsOf(app, table)[0],
    parents: parentsOf(table, app.references),
    tags,
    language: languageOf(app, table),
    groups: groupsNamed(thingsOf(app, table, tags), named),
    opening: findOpening(app, table),
    own: findVectors(table, key, app.references),
  };
}

/** Groups that people follow or block. Posts show their names among their tags. */
function groupsNamed(things: NamedThing[], named: (FollowTable | MuteTable)[]): NamedGroup[] {
  return things.flatMap(({ table, key, text, by }) =>
    by && named.some(({ what }) => "of" in what && what.of?.table === table) ? [{ table, key, by, word: text }] : [],
  );
}

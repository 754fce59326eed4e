/** Finds the tables that say whom and what a user follows: people, tags, and groups that posts are in. */
import { type Column, keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import { type Condition, pickColumn, type TimeColumn } from "../catalog/pick-columns.ts";
import { type Joined, openReferenceOf } from "../catalog/references.ts";
import { names, tableWords } from "../catalog/words.ts";
import { activeRowConditions } from "./active-rows.ts";
import type { SkippedTable } from "./find-actions.ts";
import { topicNamed } from "./find-mutes.ts";
import { type KnownApp, type PersonColumn, personsOf } from "./find-people.ts";
import type { NamedThing, Tags } from "./find-tags.ts";
import { type InteractionTable, valuesOf } from "./interaction-tables.ts";

type OfType = NonNullable<InteractionTable["ofPosts"]>;

export interface FollowTable {
  table: Table;
  person: PersonColumn;
  what: Followed;
  /** Where a type next to an id says of which table a row is: which of its values are meant. */
  types: OfType[];
  /** A time of the row that says by its name since when. */
  since: TimeColumn | undefined;
  conditions: Condition[];
  doubts: string[];
}

type Followed =
  | { kind: "person"; whom: PersonColumn }
  /** The text is in the row itself, or in that of a tag or a group. */
  | { kind: "topic" | "group"; text: Column; of?: Joined };

interface Follows {
  follows: FollowTable[];
  unclear: SkippedTable[];
  leftOut: SkippedTable[];
}

export function findFollows(
  app: KnownApp,
  posts: Table | undefined,
  tags: Tags | undefined,
  things: NamedThing[],
): Follows {
  const found: Follows = { follows: [], unclear: [], leftOut: [] };
  for (const table of app.catalog) {
    const words = tableWords(table.name);
    const persons = personsOf(app, table);
    if (table === app.people?.table || table === posts || persons.length === 0) continue;
    const isNamed = words.some((word) => follow.test(word));
    const moment = pickColumn(table, ["followed_at", "followed"], ["timestamptz", "timestamp", "boolean"]);
    if (!isNamed && !moment && !persons.some(({ column }) => isCalled(column, follows))) {
      if (words.some((word) => /^(friend|friendship|contact)$/.test(word)))
        found.unclear.push({
          table,
          why: inNoView("whether friends are asked for, or see each other's posts, no column says"),
        });
      continue;
    }
    const chore = words.find((word) => names.chores.has(word) && !follow.test(word));
    if (words.includes("request")) {
      found.leftOut.push({ table, why: "who asks to follow somebody does not follow them yet" });
      continue;
    }
    if (chore) {
      if (isNamed) found.leftOut.push({ table, why: `by its name (${chore}) the app keeps it for itself` });
      continue;
    }
    const inTable = followsIn(app, table, persons, things, posts, tags);
    if ("why" in inTable) {
      if (isNamed) found.unclear.push({ table, why: inNoView(inTable.why) });
      continue;
    }
    const { conditions, doubts } = activeRowConditions(table, moment);
    const since = moment && moment.kind !== "boolean" ? { column: moment } : undefined;
    found.follows.push(
      ...inTable.found.map((each, place) => ({
        ...each,
        table,
        since,
        conditions,
        doubts: place === 0 ? [...each.doubts, ...doubts] : each.doubts,
      })),
    );
  }
  return found;
}

const follow = /^(follow|follower|following|followed|followee|followable|followership)$/;
const follows = /^(follower|subscriber|fan)$/;
const isFollowed =
  /^(followed|followee|followable|target|author|creator|owner|writer|publisher|artist|leader|other|recipient|receiver|to|addressee)$/;

function isCalled({ name }: Column, words: RegExp): boolean {
  return tableWords(name).some((word) => words.test(word));
}

function inNoView(why: string): string {
  return `whom somebody follows is in no view: ${why}`;
}

type Found = Pick<FollowTable, "person" | "what" | "types" | "doubts">;

/** Who follows what by the columns of a table, or why that cannot be said. */
function followsIn(
  app: KnownApp,
  table: Table,
  all: PersonColumn[],
  things: NamedThing[],
  posts: Table | undefined,
  tags: Tags | undefined,
): { found: Found[] } | { why: string } {
  const typed = all.map((person) => ({ person, type: typeOf(app, table, person.column) }));
  // what a type says to be of another table is no person
  const persons = typed.filter(({ type }) => type !== "other");
  const [one, two] = persons;
  if (!one) return { why: "no value of its type means a person" };
  const who = persons.length > 1 ? followerOf(persons.map(({ person }) => person)) : one.person;
  if (!who)
    return { why: `which of ${one.person.column.name} and ${two.person.column.name} follows the other no column says` };
  const ofWho = typed.find(({ person }) => person === who)?.type;
  const guard = groupNamed(table, things);
  const found: Found[] = [];
  const add = (what: Followed, type?: OfType) => {
    const types = [ofWho, type].filter((each) => typeof each === "object");
    const doubts = types.flatMap(({ type, sure }) =>
      sure ? [] : [`which values of ${type.name} mean ${whatIs[what.kind]} is guessed`],
    );
    found.push({ person: who, what, types, doubts });
  };
  for (const { person, type } of persons) {
    // what has a type is looked at below, since it may name a tag as well
    if (person === who || type) continue;
    if (guard && !person.sure)
      return { why: `whether ${person.column.name} names a person or a row of ${nameOf(guard.table)} no key says` };
    if (found.length === 0) add({ kind: "person", whom: person });
  }
  for (const { to, column, key } of app.references.others(table)) {
    const thing = things.find((each) => each.table === to && each.key === key);
    if (thing && column !== who.column) add({ ...named(thing), of: { table: to, key, by: column } });
  }
  for (const column of table.columns) {
    const open = column === who.column ? undefined : openReferenceOf(table, column);
    if (!open) continue;
    const { people } = app;
    const ofPeople = people?.key.kind === column.kind ? valuesOf(open, people.table, table) : undefined;
    if (people && ofPeople) {
      const holds = people.userId === people.key ? "user id" : people.userId ? "key" : "derived key";
      add({ kind: "person", whom: { column, holds, sure: ofPeople.sure } }, ofPeople);
    }
    for (const thing of things) {
      const ofThing = keyOf(thing.table)?.kind === column.kind ? valuesOf(open, thing.table, table) : undefined;
      if (ofThing) add({ ...named(thing), of: { table: thing.table, key: thing.key, by: column } }, ofThing);
    }
  }
  if (found.length === 0) {
    const text = topicNamed(table, tags, app.references);
    if (text?.kind === "topic" && !text.of) add({ kind: "topic", text: text.text });
  }
  if (found.length > 0) return { found };
  const other = app.references
    .others(table)
    .find(({ to, column }) => column !== who.column && to !== app.people?.table);
  const isSecret = other && posts?.membersMayReadSome && !other.to.membersMayReadSome;
  return {
    why: other
      ? isSecret
        ? `members may read nothing of ${nameOf(other.to)}, whose names posts would have to show`
        : `posts do not say in which row of ${nameOf(other.to)} they are`
      : `it names one person (${who.column.name}), and neither another nor a tag or a group of posts`,
  };
}

const whatIs = { person: "people", topic: "tags", group: "groups" };

function named({ kind, text }: NamedThing): { kind: "topic" | "group"; text: Column } {
  return { kind, text };
}

/** Which values of the type next to an id mean people; undefined: there is no type; other: none of those that are there does. */
function typeOf({ people }: KnownApp, table: Table, column: Column): OfType | "other" | undefined {
  const open = openReferenceOf(table, column);
  return open && ((people && valuesOf(open, people.table, table)) ?? "other");
}

/** Of two persons the one who follows, where a name says it; undefined: none does. */
function followerOf(persons: PersonColumn[]): PersonColumn | undefined {
  const follower = persons.find(({ column }) => isCalled(column, follows));
  if (follower) return follower;
  const isTarget = ({ column }: PersonColumn) => isCalled(column, isFollowed);
  if (persons.some(isTarget)) return persons.find((person) => !isTarget(person));
  // beside a person who is followed, "following" is the follower; beside anything else, it is followed
  const following = ({ column }: PersonColumn) => isCalled(column, /^following$/);
  return persons.some(following) ? persons.find((person) => !following(person)) : undefined;
}

/** The group after which the table is called: its second column may name one, whatever it is called. */
function groupNamed(table: Table, things: NamedThing[]): NamedThing | undefined {
  const words = tableWords(table.name);
  return things.find((thing) => words.includes(tableWords(thing.table.name).at(-1) ?? ""));
}

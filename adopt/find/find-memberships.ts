/** Which tables say where people belong, of organisations and groups whose posts others may not read. */
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import type { Condition } from "../catalog/pick-columns.ts";
import { identifier } from "../catalog/quote.ts";
import { plainName, tableWords } from "../catalog/words.ts";
import { activeRowConditions } from "./active-rows.ts";
import type { SkippedTable } from "./find-actions.ts";
import { type KnownApp, type People, type PersonColumn, personsOf } from "./find-people.ts";
import { postColumnOf } from "./interaction-tables.ts";

export interface MemberTable {
  table: Table;
  person: PersonColumn;
  /** Names the group, and in the table of posts the group of a post. */
  group: Column;
  ofPosts: Column;
  /** That table of posts. */
  of: Table;
  conditions: Condition[];
  doubts: string[];
}

export function findMemberships(app: KnownApp, contents: Table[]): { members: MemberTable[]; leftOut: SkippedTable[] } {
  const found = contents.map((posts) => membershipsOf(app, posts, contents));
  const members = found.flatMap(({ members }) => members);
  const leftOut = found.flatMap(({ leftOut }) => leftOut);
  return {
    members,
    leftOut: leftOut.filter(({ table }) => !members.some((member) => member.table === table)),
  };
}

function membershipsOf(app: KnownApp, posts: Table, contents: Table[]) {
  const members: MemberTable[] = [];
  const leftOut: SkippedTable[] = [];
  for (const table of app.catalog) {
    if (contents.includes(table) || postColumnOf(app, table, posts)) continue;
    const person = table === app.people?.table ? personOfAccount(app.people) : personsOf(app, table)[0];
    const shared = person && sharedGroup(app, table, posts, person);
    if (!shared) continue;
    const why = whyNot(table, posts);
    if (!why) members.push({ table, person, ...shared, of: posts, ...activeRowConditions(table, undefined) });
    else if (tableWords(table.name).some((word) => /^(member|membership)$/.test(word))) leftOut.push({ table, why });
  }
  return { members, leftOut };
}

/** The account of a row of the table of people: an account may have a row per tenant. */
function personOfAccount({ key, userId, sure }: People): PersonColumn | undefined {
  return userId && userId !== key ? { column: userId, holds: "user id", sure } : undefined;
}

/** A column by which both tables name the same group: by keys, or where neither has one, by its name. */
function sharedGroup({ references, people }: KnownApp, table: Table, posts: Table, person: PersonColumn) {
  const ofPosts = references.others(posts).filter(({ to }) => to !== people?.table && to !== table);
  for (const { to, key, column } of references.others(table)) {
    const same = ofPosts.find((each) => each.to === to && each.key === key);
    if (same && column !== person.column) return { group: column, ofPosts: same.column };
  }
  const bound = new Set([...references.of(table), ...references.of(posts)].map(({ column }) => column));
  for (const group of table.columns) {
    if (group === person.column || bound.has(group) || !/[a-z](_id|Id)$/.test(group.name)) continue;
    const same = posts.columns.find(
      (column) => plainName(column.name) === plainName(group.name) && column.kind === group.kind && !bound.has(column),
    );
    if (same) return { group, ofPosts: same };
  }
  return undefined;
}

/** The reason that a table makes no difference to what a user may read, by its policies; undefined: it makes one. */
function whyNot(table: Table, posts: Table): string | undefined {
  const name = nameOf(posts);
  if (!posts.rowSecurity) return `where people belong makes no difference: row level security is off for ${name}`;
  if (posts.readPolicies.some(({ using }) => using === "true"))
    return `where people belong makes no difference: everybody may read ${name}`;
  if (
    !posts.readPolicies.some(({ tables, functions }) => tables.includes(nameOf(table)) || isIn(functions, table.name))
  )
    return `where people belong makes no difference: no policy of ${name} goes by it`;
  return table.membersMayReadSome ? undefined : "members may read none of it, so it cannot say where they belong";
}

function isIn(using: string, name: string): boolean {
  const escaped = identifier(name).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w"])${escaped}(?![\\w"])`).test(using);
}

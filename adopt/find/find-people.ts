/** Which table holds the people, and which column of another table says who it was. */
import { type Catalog, type Column, columnOf, isUnused, keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import { bodyOf, createdOf, pickColumn, pickUsed, type TimeColumn } from "../catalog/pick-columns.ts";
import type { Joined, References } from "../catalog/references.ts";
import { columns, names, plainName, tableWords, wordsOfName } from "../catalog/words.ts";

/** A table that may be what is looked for, with points and what gave them. */
export class TableCandidate {
  readonly table: Table;
  points = 0;
  readonly reasons: string[] = [];

  constructor(table: Table) {
    this.table = table;
  }

  give(points: number, reason: string): void {
    this.points += points;
    this.reasons.push(`${points > 0 ? "+" : ""}${points} ${reason}`);
  }
}

/** An app's tables, as far as they are known. */
export interface KnownApp {
  catalog: Catalog;
  references: References;
  people: People | undefined;
}

export interface People {
  table: Table;
  /** By which the app's other tables know them. */
  key: Column;
  /** The uuid of auth.users; undefined: the table has none, and recsys.id_of(key) stands in. */
  userId: Column | undefined;
  /** Whether a foreign key or a policy says that this is the uuid of auth.users. */
  sure: boolean;
}

const traits =
  /^(user_?name|display_?name|full_?name|first_?name|nick_?name|email|avatar(_url)?|bio(_raw)?|about|password(_hash|_digest)?|handle)$/;

/** Tables of people, the likeliest first. */
export function findPeople(catalog: Catalog, references: References): TableCandidate[] {
  return catalog
    .filter((table) => keyOf(table))
    .map((table) => score(table, references))
    .filter(({ points }) => points >= 5)
    .sort((one, other) => other.points - one.points || nameOf(one.table).localeCompare(nameOf(other.table)));
}

function score(table: Table, references: References): TableCandidate {
  const candidate = new TableCandidate(table);
  const give = candidate.give.bind(candidate);
  const words = tableWords(table.name);
  const last = words.at(-1) ?? "";
  if (names.people.has(last) || names.people.has(words.join(""))) give(words.length === 1 ? 4 : 2, "its name");
  else if (words.some((word) => names.people.has(word)))
    give(-3, "its name says that it is about people, not that it holds them");
  const outgoing = references.of(table);
  const key = keyOf(table);
  const toAuth = outgoing.find(({ to }) => to === "auth.users");
  if (toAuth && toAuth.column === key) give(5, "its key is the uuid of auth.users");
  else if (toAuth && table.unique.includes(toAuth.column.name))
    give(4, `${toAuth.column.name} is the uuid of auth.users, once each`);
  const described = table.columns.filter(({ name }) => traits.test(plainName(name))).length;
  if (described > 0) give(Math.min(3, described), "columns such as a name, an email address or an avatar");
  const referring = new Set(references.into(table).map(({ from }) => from)).size;
  if (referring > 0) give(Math.min(4, referring), `${referring} tables refer to it`);
  const owner = references
    .others(table)
    .find(({ to, column }) => !column.name.match(/by/i) && names.people.has(tableWords(to.name).at(-1) ?? ""));
  if (owner) give(-4, `each row belongs to one of ${nameOf(owner.to)}`);
  return candidate;
}

/** How the people of a table are known to Supabase. */
export function peopleOf(table: Table, references: References): People {
  const key = keyOf(table) as Column;
  const toAuth = references.of(table).filter(({ to, sure }) => to === "auth.users" && sure);
  const own = toAuth.find(({ column }) => column === key) ?? toAuth[0];
  if (own) return { table, key, userId: own.column, sure: true };
  if (key.kind === "uuid") {
    const named = table.readPolicies.some(({ using }) => isOwn(using, key.name));
    return { table, key, userId: key, sure: named };
  }
  const named = table.columns.find(
    ({ name, kind }) => kind === "uuid" && /^(auth|supabase)_?(user_?)?(id|uid)$/.test(plainName(name)),
  );
  return { table, key, userId: named, sure: false };
}

/** Whether a policy lets people read what is theirs alone: auth.uid() = user_id, in either order. */
export function isOwn(using: string, column?: string): boolean {
  const plain = using
    .replace(/\(\s*SELECT auth\.uid\(\)( AS \w+)?\)/gi, "auth.uid")
    .replace(/[()\s"]|::uuid|::text/g, "");
  const [, name] = /^auth\.uid=(?:\w+\.)?(\w+)$/.exec(plain) ?? /^(?:\w+\.)?(\w+)=auth\.uid$/.exec(plain) ?? [];
  return name !== undefined && (column === undefined || name === column);
}

export interface PersonColumn {
  column: Column;
  /** It holds the uuid of auth.users; the key of the table of people; or that key where recsys.id_of stands in. */
  holds: "user id" | "key" | "derived key";
  sure: boolean;
}

/** Persons of a row, the one that did it first. */
export function personsOf({ people, references }: KnownApp, table: Table): PersonColumn[] {
  const found: PersonColumn[] = [];
  const outgoing = references.of(table);
  for (const { column, to, key, sure } of outgoing) {
    if (to === "auth.users") {
      if (column.kind === "uuid") found.push({ column, holds: "user id", sure });
    } else if (people && to === people.table) {
      if (key === people.userId?.name) found.push({ column, holds: "user id", sure });
      else if (key === people.key.name) found.push({ column, holds: people.userId ? "key" : "derived key", sure });
    }
  }
  const taken = new Set([
    ...outgoing.map(({ column }) => column),
    // a key of one column is the row itself, and names no person; one of (user_id, post_id) does
    ...(table.primaryKey.length === 1 ? [columnOf(table, table.primaryKey[0])] : []),
  ]);
  for (const column of table.columns)
    if (!taken.has(column) && looksLikePerson(column)) {
      if (people && column.kind === people.key.kind && !people.userId)
        found.push({ column, holds: "derived key", sure: false });
      else if (people && people.userId === people.key && column.kind === people.key.kind)
        found.push({ column, holds: "user id", sure: false });
      else if (column.kind === "uuid") found.push({ column, holds: "user id", sure: false });
      else if (people && column.kind === people.key.kind) found.push({ column, holds: "key", sure: false });
    }
  return found.filter(({ column }) => !isOffice(column.name)).sort((one, other) => rank(one) - rank(other));
}

function looksLikePerson({ name, kind }: Column): boolean {
  const words = wordsOfName(name);
  const stem = words.at(-1) === "id" || words.at(-1) === "uid" ? words.slice(0, -1) : words;
  return (
    (kind === "uuid" || kind === "number" || kind === "text") &&
    (stem.length < words.length || kind === "uuid" || stem.at(-1) === "by") &&
    names.persons.has(stem.at(-1) ?? "")
  );
}

/** People who keep order, or changed a row later: not the ones that it is of. */
function isOffice(name: string): boolean {
  return /(^|_)(mod|moderator|admin|editor|edited|updated|deleted|approved|reviewed|resolver|resolved|assigned|banned|invited|granted|last|featured|disabled|removed|locked|in_reply)(_|$)/.test(
    plainName(name),
  );
}

const order = ["user", "author", "creator", "created", "owner", "person", "member", "account", "profile"];

function rank({ column, sure }: PersonColumn): number {
  const words = wordsOfName(column.name);
  const place = order.findIndex((word) => words.includes(word) || words[0]?.startsWith(word));
  return (
    (words.some((word) => names.targets.has(word)) ? 100 : 0) +
    (place < 0 ? 50 : place) +
    words.length / 10 +
    (sure ? 0 : 20)
  );
}

// A second table of people, each row a person of the first: people who have a login and an account by which others
// know them.

export interface PersonThrough {
  through: Joined;
  person: PersonColumn;
}

/**
 * The other table of people that the table refers to, and who they are: both by foreign keys, since a name alone would make a visit of a
 * page a login of its author.
 */
export function personThrough(app: KnownApp, table: Table): PersonThrough | undefined {
  for (const { to, column, key, sure } of app.references.others(table)) {
    if (!sure || to === app.people?.table) continue;
    const person = personsOf(app, to).find((person) => person.sure);
    if (!person) continue;
    const once = to.unique.includes(person.column.name);
    if (once || names.people.has(tableWords(to.name).at(-1) ?? ""))
      return { through: { table: to, key, by: column }, person };
  }
  return undefined;
}

// Where people say of themselves what their own table has no column for: a table with one row for each of them.

export interface SelfTexts {
  bio: Column | undefined;
  location: Column | undefined;
  interests: Column | undefined;
}

export interface Profile extends SelfTexts {
  table: Table;
  /** Whose it is, once each. */
  person: PersonColumn;
}

/** What the columns of a table say of the person whose row it is. */
export function selfTextsOf(table: Table, isPeople = false): SelfTexts {
  const bio =
    pickUsed(table, columns.bio, ["text"]) ?? (isPeople && bodyOf(table)?.sure ? bodyOf(table)?.column : undefined);
  return {
    bio,
    location: pickUsed(table, ["location"], ["text"]),
    interests: pickUsed(table, columns.interests, ["texts"]),
  };
}

/** The same for a table of people that no other completes; it includes columns that are still empty. */
export function selfTextsAlone(table: Table): SelfTexts {
  const { bio, location, interests } = selfTextsOf(table, true);
  return {
    bio: bio ?? pickColumn(table, columns.bio, ["text"]),
    location,
    interests: interests ?? pickColumn(table, columns.interests, ["texts"]),
  };
}

export function findProfile(app: KnownApp): Profile | undefined {
  const { catalog, people } = app;
  if (!people || selfTextsOf(people.table, true).bio) return undefined;
  for (const table of catalog) {
    if (table === people.table) continue;
    const person = personOfEachRow(app, table);
    const texts = selfTextsOf(table);
    if (person && texts.bio && !isUnused(table, texts.bio)) return { table, person, ...texts };
  }
  return undefined;
}

/** The person of each row in a table with one row for each person; undefined: it has several, or names none. */
export function personOfEachRow(app: KnownApp, table: Table): PersonColumn | undefined {
  return personsOf(app, table).find(
    ({ column, sure }) => sure && (table.unique.includes(column.name) || isKey(table, column)),
  );
}

function isKey({ primaryKey }: Table, { name }: Column): boolean {
  return primaryKey.length === 1 && primaryKey[0] === name;
}

// Which table says when people came back.

export interface Logins {
  table: Table;
  person: PersonColumn;
  /** Where they are of another table of people, whose row says who it is: logins of users, who have an account each. */
  through: Joined | undefined;
  time: TimeColumn;
  /** Whether a login succeeded or was refused. */
  success: Column | undefined;
}

export function findLogins(app: KnownApp): Logins | undefined {
  const { catalog, references, people } = app;
  const found = catalog.flatMap((table): (Logins & { rank: number })[] => {
    const isNamed = tableWords(table.name).some((word) => /^(login|visit|session|signin)$/.test(word));
    const time = createdOf(table);
    if (!isNamed || !time || table === people?.table) return [];
    const [own] = personsOf(app, table);
    const linked = own ? undefined : personThrough(app, table);
    const person = own ?? linked?.person;
    // a visit of something is no login
    const elsewhere = references
      .of(table)
      .some(({ to, column }) => to !== people?.table && to !== "auth.users" && column !== linked?.through.by);
    if (!person || elsewhere) return [];
    return [
      {
        table,
        person,
        through: linked?.through,
        time,
        success: pickColumn(table, ["success", "successful", "succeeded"], ["boolean"]),
        rank: /login|signin/i.test(table.name) ? 0 : /visit/i.test(table.name) ? 1 : 2,
      },
    ];
  });
  return found.sort((one, other) => one.rank - other.rank || nameOf(one.table).localeCompare(nameOf(other.table)))[0];
}

/** Finds the table that holds the posts: a text, a time, an author, and other tables with actions on it. */
import { type Column, isUnused, keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import { bodyOf, createdOf, titleOf } from "../catalog/pick-columns.ts";
import type { References } from "../catalog/references.ts";
import { names, parentWords, plainName, tableWords, wordsOfName } from "../catalog/words.ts";
import { isOwn, type KnownApp, personsOf, TableCandidate } from "./find-people.ts";

/** Below this a table is none of posts. Three are a user, a text and a time, which a table of messages has too. */
export const enoughForPosts = 3;

/** Tables with a text and a time, the likeliest to hold posts first; those below `enoughForPosts` say why they are not taken. */
export function findPosts(app: KnownApp): TableCandidate[] {
  const { catalog, references, people } = app;
  const scored = catalog
    .filter((table) => table !== people?.table && keyOf(table) && createdOf(table) && (titleOf(table) || bodyOf(table)))
    .map((table) => score(app, table));
  for (const candidate of scored) {
    const held = collectedIn(app, candidate.table);
    if (held) candidate.give(-5, `it is a collection of ${nameOf(held)}`);
  }
  // what answers another candidate is a comment on it
  for (const candidate of scored) {
    const { table } = candidate;
    const answered = references
      .others(table)
      .find(
        ({ to }) => !isContainer(to) && scored.some((other) => other.table === to && other.points >= enoughForPosts),
      );
    if (answered && !titleOf(table)) candidate.give(-4, `each row belongs to one of ${nameOf(answered.to)}`);
  }
  return scored.sort((one, other) => other.points - one.points || nameOf(one.table).localeCompare(nameOf(other.table)));
}

/** Tables with a text and a person that others refer to more often than to the likeliest posts, and which do not say when a row was created. */
export function findTimeless(app: KnownApp, best: Table | undefined): Table[] {
  const { catalog, references, people } = app;
  const least = best ? references.into(best).length : 1;
  return catalog.filter(
    (table) =>
      table !== people?.table &&
      keyOf(table) &&
      !createdOf(table) &&
      bodyOf(table)?.sure &&
      personsOf(app, table).length > 0 &&
      references.into(table).length >= least,
  );
}

function score(app: KnownApp, table: Table): TableCandidate {
  const candidate = new TableCandidate(table);
  const give = candidate.give.bind(candidate);
  const persons = personsOf(app, table);
  const title = titleOf(table);
  const body = bodyOf(table);
  give(persons.length > 0 ? 3 : 1, persons.length > 0 ? "a user, a text and a time" : "a text and a time, but no user");
  if (title && plainName(title.name) !== "name" && plainName(title.name) !== "label")
    give(2, `its title ${title.name}`);
  if (body?.sure) give(2, `its text ${body.column.name}`);
  const words = tableWords(table.name);
  const last = words.at(-1) ?? "";
  // "blog_post", but not "post_tag"
  if (names.posts.has(last)) give(words.length === 1 ? 3 : 2, "its name");
  if (isContainer(table)) give(-5, "its name says that posts are in it");
  if (names.comments.has(last) && last !== "post" && last !== "message")
    give(-3, "its name says that it answers something");
  if (names.chat.has(last)) give(-2, "its name says that it is of a chat");
  if (words.some((word) => names.chores.has(word))) give(-5, "its name says that the app keeps it for itself");
  if (names.people.has(last)) give(-4, "its name says that it holds people");
  const addressed = table.columns.find(({ name }) =>
    /^(recipient|receiver|addressee|to)(_user)?(_id)?$/.test(plainName(name)),
  );
  if (addressed) give(-4, `it is addressed to somebody, ${addressed.name}`);
  else if (
    persons.length > 1 &&
    persons.some(({ column }) => wordsOfName(column.name).some((word) => names.targets.has(word)))
  )
    give(-4, "it is about a second person");
  const reacting = new Set(
    app.references
      .into(table)
      .filter(({ from }) => from !== app.people?.table && personsOf(app, from).length > 0)
      .map(({ from }) => from),
  ).size;
  if (reacting > 0) give(Math.min(3, reacting), `${reacting} tables say what people did with it`);
  if (isSecret(table)) give(-6, "only its author may read it");
  if (table.rows === 0) give(-1, "it is empty");
  return candidate;
}

/** The table whose rows are collected in those of this one, by pairs of both: of two that are paired the one that fewer others name collects. */
function collectedIn({ catalog, references, people }: KnownApp, table: Table): Table | undefined {
  for (const { from } of references.into(table)) {
    const pair = references.of(from).flatMap(({ to }) => (to === "auth.users" || to === people?.table ? [] : [to]));
    const other = pair.find((to) => to !== table && to !== from);
    if (pair.length !== 2 || !other || bodyOf(from)?.sure || !(titleOf(other) || bodyOf(other))) continue;
    const isPair = tableWords(from.name).join("_").includes(tableWords(table.name).join("_"));
    if (isPair && catalog.includes(other) && references.into(table).length < references.into(other).length)
      return other;
  }
  return undefined;
}

function isContainer(table: Table): boolean {
  return names.containers.has(tableWords(table.name).at(-1) ?? "");
}

/** Whether row level security shows each row to one person alone. */
function isSecret({ rowSecurity, readPolicies }: Table): boolean {
  return rowSecurity && readPolicies.length > 0 && readPolicies.every(({ using }) => isOwn(using));
}

/** A column by which a row of the table names another one: what it answers, or what it passes on. */
export interface ParentColumn {
  column: Column;
  how: "reply" | "repost";
  sure: boolean;
}

/** The columns by which posts of one table answer or pass on each other; where there are a parent and a root, the root. */
export function parentsOf(table: Table, references: References): ParentColumn[] {
  const key = keyOf(table);
  const own = references.of(table).filter(({ to, column }) => to === table && column !== key);
  const found = table.columns.flatMap((column): ParentColumn[] => {
    if (column === key || column.kind !== key?.kind || (column.notNull && column.kind !== "text")) return [];
    const reference = own.find((reference) => reference.column === column);
    const words = wordsOfName(column.name.replace(/id$/i, "_id"));
    if (!reference && words.at(-1) !== "id") return [];
    // in_reply_to_account_id names no post
    if (references.of(table).some((other) => other.column === column && other.to !== table)) return [];
    if (words.some((word) => names.persons.has(word) || word === "conversation")) return [];
    for (const how of ["repost", "reply"] as const)
      if (words.some((word) => parentWords[how].has(word))) return [{ column, how, sure: reference?.sure ?? false }];
    return [];
  });
  const replies = found.filter(({ how, column }) => how === "reply" && !isUnused(table, column));
  const root = rootOf(table, replies);
  // what is passed on goes before what is answered, where a row does both
  return [...found.filter(({ how }) => how === "repost"), ...(root ? [root] : [])];
}

/** Of a parent and a root the root, unless the first post of a thread has one too, or not every answer does. */
function rootOf(table: Table, replies: ParentColumn[]): ParentColumn | undefined {
  const root = replies.find(({ column }) => /root|thread/i.test(column.name));
  const parent = replies.find((reply) => reply !== root);
  const rooted = root && table.sample?.columns[root.column.name]?.present;
  const answered = parent && table.sample?.columns[parent.column.name]?.present;
  return rooted !== undefined && answered !== undefined && rooted !== answered ? parent : (root ?? parent);
}

/** Where the words are that a post is about: a list of its own, rows that name it, or the one group that it is in. */

import { type Column, isEmpty, isUnused, keyOf, sampleOf, type Table } from "../catalog/catalog.ts";
import { pickColumn, pickUsed } from "../catalog/pick-columns.ts";
import type { Joined } from "../catalog/references.ts";
import { columns, names, tableWords } from "../catalog/words.ts";
import type { KnownApp } from "./find-people.ts";
import { postColumnOf, type Target } from "./interaction-tables.ts";

export type Tags =
  | { from: "column"; column: Column }
  /** A text with several tags in it, and the regular expression of what is between them. */
  | { from: "list"; column: Column; between: string }
  /** A list of the keys of rows that are called so. */
  | ({ from: "ids"; column: Column } & Omit<NamedGroup, "by">)
  /** Rows of a table that name the post and either the word or a row of another table that has it. */
  | { from: "rows"; table: Table; post: Column; ofPosts?: Target["ofPosts"]; word: Column; of?: Joined }
  /** The one group that the post is in. */
  | ({ from: "group" } & NamedGroup);

/** A group that the post is in, and what its row is called. */
export interface NamedGroup extends Joined {
  word: Column;
}

/** A tag or a group whose name posts show among their tags, or can. */
export interface NamedThing {
  table: Table;
  key: string;
  text: Column;
  kind: "topic" | "group";
  /** Of a group that posts have to show besides their tags: the column of the post that names it. */
  by?: Column;
}

const about = /^(tag|category|topic|label|keyword|hashtag|genre)$/;

/** Whether the rows of a table are words that things are about. */
export function isAbout({ name }: Table): boolean {
  return about.test(tableWords(name).at(-1) ?? "");
}

/** The column of another table's row that is shown as a tag of posts. */
export function wordIn(table: Table, key: string, tags: Tags): Column | undefined {
  if (tags.from === "column" || tags.from === "list")
    return isAbout(table) ? pickColumn(table, columns.tagName, ["text"]) : undefined;
  const bearer = tags.from === "rows" ? tags.of : tags;
  return bearer?.table === table && bearer.key === key ? tags.word : undefined;
}

/** What a group is called where it is shown as a tag. */
export function groupWord(table: Table): Column | undefined {
  return pickColumn(table, ["name", "title", "slug"], ["text"]);
}

export function tagsOf(app: KnownApp, posts: Table): Tags | undefined {
  const own = pickUsed(posts, columns.tags, ["texts"]);
  if (own) return { from: "column", column: own };
  const list = pickUsed(posts, columns.tagList, ["text"]);
  const listed = list && !list.closed && { from: "list" as const, column: list, between: betweenTags(posts, list) };
  // a column of the post is read along with it; rows of another table are looked up for each
  if (listed && posts.sample?.columns[list.name]?.present !== 0) return listed;
  const rows = tagIds(app, posts) ?? tagRows(app, posts);
  // an empty table of tags does not replace the group
  const group = rows && !(rows.from === "rows" && isEmpty(rows.table)) ? undefined : tagGroup(app, posts);
  return group ?? rows ?? (listed || undefined);
}

/** Commas, where some text has one; otherwise whatever is no part of a word. */
function betweenTags(table: Table, column: Column): string {
  const values = sampleOf(table, column)?.values ?? [];
  const isSpaced = values.some(([value]) => value.includes(" ")) && !values.some(([value]) => /[,;]/.test(value));
  return isSpaced ? "[\\s#]+" : "[\\s#]*[,;][\\s#]*";
}

/** A list such as tag_ids without a foreign key: the table is found by the column's name. */
function tagIds({ catalog }: KnownApp, posts: Table): Tags | undefined {
  for (const column of posts.columns) {
    const word = tableWords(column.name.replace(/_?ids?$/i, "")).at(-1) ?? "";
    if (!about.test(word) || isUnused(posts, column)) continue;
    const table = catalog.find((each) => tableWords(each.name).at(-1) === word && isListOf(column, keyOf(each)));
    const named = table && pickColumn(table, columns.tagName, ["text"]);
    const key = table && keyOf(table);
    const isSecret = posts.membersMayReadSome && !table?.membersMayReadSome;
    if (named && key && !isSecret) return { from: "ids", column, table, key: key.name, word: named };
  }
  return undefined;
}

/** Whether the entries of a list can be keys of this kind. */
function isListOf({ kind }: Column, key: Column | undefined): boolean {
  return (kind === "uuids" && key?.kind === "uuid") || (kind === "numbers" && key?.kind === "number");
}

function tagRows(app: KnownApp, posts: Table): Tags | undefined {
  const { catalog, references } = app;
  for (const from of catalog) {
    if (from === posts) continue;
    const target = postColumnOf(app, from, posts);
    if (!target) continue;
    const named = {
      from: "rows" as const,
      table: from,
      post: target.post,
      ...(target.ofPosts && { ofPosts: target.ofPosts }),
    };
    const of = references.others(from).find(({ to }) => isAbout(to));
    if (of && of.to !== posts) {
      const word = pickColumn(of.to, columns.tagName, ["text"]);
      // who tagged it, suggested or filtered, is no matter
      if (word && !tableWords(from.name).some((word) => names.chores.has(word) && word !== "tagging"))
        return { ...named, word, of: { table: of.to, key: of.key, by: of.column } };
    }
    const word = pickColumn(from, columns.tagName, ["text"]);
    if (!of && word && !target.ofPosts && isAbout(from)) return { ...named, word };
  }
  return undefined;
}

function tagGroup({ references }: KnownApp, posts: Table): Tags | undefined {
  for (const { to, column, key } of references.others(posts)) {
    const last = tableWords(to.name).at(-1) ?? "";
    const word = groupWord(to);
    if (word && (isAbout(to) || /^(community|section|forum|board|subreddit|channel)$/.test(last)))
      return { from: "group", table: to, key, by: column, word };
  }
  return undefined;
}

/** The tables whose rows' names posts show among their tags, or can. */
export function thingsOf(app: KnownApp, posts: Table | undefined, tags: Tags | undefined): NamedThing[] {
  const shown = app.catalog.flatMap((table): NamedThing[] => {
    const key = keyOf(table);
    const text = key && tags && wordIn(table, key.name, tags);
    return text ? [{ table, key: key.name, text, kind: isAbout(table) ? "topic" : "group" }] : [];
  });
  const groups = (posts ? app.references.others(posts) : []).flatMap(({ to, key, column }): NamedThing[] => {
    const text = groupWord(to);
    const isOther = to === app.people?.table || shown.some(({ table }) => table === to);
    const isSecret = posts?.membersMayReadSome && !to.membersMayReadSome;
    return text && !isOther && !isSecret ? [{ table: to, key, text, kind: "group", by: column }] : [];
  });
  return [...shown, ...groups.filter(({ table }, place) => groups.findIndex((each) => each.table === table) === place)];
}

/** Where the words are that a post is about: a list of its own, rows that name it, or the one group that it is in. */
import { type Catalog, type Column, sampleOf, type Table } from "../catalog/catalog.ts";
import { pick, pickUsed } from "../catalog/pick-columns.ts";
import type { References } from "../catalog/references.ts";
import { columns, names, tableWords } from "../catalog/words.ts";
import { postColumnOf, type Target } from "./post-columns.ts";

export type Tags =
  | { from: "column"; column: Column }
  /** A text with several tags in it, and the regular expression of what is between them. */
  | { from: "list"; column: Column; between: string }
  /** Rows of a table that name the post and either the word or a row of another table that has it. */
  | { from: "rows"; table: Table; post: Column; ofPosts?: Target["ofPosts"]; word: Column; of?: Bearer }
  /** The one group that the post is in. */
  | { from: "group"; table: Table; key: string; by: Column; word: Column };

/** The row of another table that has the word. */
interface Bearer {
  table: Table;
  key: string;
  by: Column;
}

const about = /^(tag|category|topic|label|keyword|hashtag|genre)$/;

/** Whether the rows of a table are words that things are about. */
export function isAbout({ name }: Table): boolean {
  return about.test(tableWords(name).at(-1) ?? "");
}

export function tagsOf(posts: Table, catalog: Catalog, references: References): Tags | undefined {
  const own = pickUsed(posts, columns.tags, ["texts"]);
  if (own) return { from: "column", column: own };
  const list = pickUsed(posts, columns.tagList, ["text"]);
  const listed = list && !list.closed && { from: "list" as const, column: list, between: betweenTags(posts, list) };
  // beside the post it is read with it; rows of another table are looked up for each
  if (listed && posts.sample?.columns[list.name]?.present !== 0) return listed;
  return tagRows(posts, catalog, references) ?? tagGroup(posts, references) ?? (listed || undefined);
}

/** Commas, where some text has one; otherwise whatever is no part of a word. */
function betweenTags(table: Table, column: Column): string {
  const values = sampleOf(table, column)?.values ?? [];
  const isSpaced = values.some(([value]) => value.includes(" ")) && !values.some(([value]) => /[,;]/.test(value));
  return isSpaced ? "[\\s#]+" : "[\\s#]*[,;][\\s#]*";
}

function tagRows(posts: Table, catalog: Catalog, references: References): Tags | undefined {
  for (const from of catalog) {
    if (from === posts) continue;
    const target = postColumnOf(from, posts, references);
    if (!target) continue;
    const named = {
      from: "rows" as const,
      table: from,
      post: target.post,
      ...(target.ofPosts && { ofPosts: target.ofPosts }),
    };
    const of = references.of(from).find(({ to }) => to !== "auth.users" && to !== from && isAbout(to));
    if (of && of.to !== "auth.users" && of.to !== posts) {
      const word = pick(of.to, columns.tagName, ["text"]);
      // who tagged it, suggested or filtered, is no matter
      if (word && !tableWords(from.name).some((word) => names.chores.has(word) && word !== "tagging"))
        return { ...named, word, of: { table: of.to, key: of.key, by: of.column } };
    }
    const word = pick(from, columns.tagName, ["text"]);
    if (!of && word && !target.ofPosts && isAbout(from)) return { ...named, word };
  }
  return undefined;
}

function tagGroup(posts: Table, references: References): Tags | undefined {
  for (const { to, column, key } of references.of(posts)) {
    if (to === "auth.users" || to === posts) continue;
    const last = tableWords(to.name).at(-1) ?? "";
    const word = pick(to, ["name", "title", "slug"], ["text"]);
    if (word && (isAbout(to) || /^(community|section|forum|board|subreddit|channel)$/.test(last)))
      return { from: "group", table: to, key, by: column, word };
  }
  return undefined;
}

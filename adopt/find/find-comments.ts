/** Which tables hold comments, and the forum whose topics have their text in the first of them. */
import type { Catalog, Column, Table } from "../catalog/catalog.ts";
import { bodyOf, titleOf } from "../catalog/pick-columns.ts";
import type { References } from "../catalog/references.ts";
import { names, plainName, tableWords } from "../catalog/words.ts";
import { type People, personsOf } from "./find-people.ts";
import { postColumnOf } from "./post-columns.ts";

export function isCommentTable(
  table: Table,
  posts: Table,
  people: People | undefined,
  references: References,
): boolean {
  return (
    table !== posts &&
    !names.containers.has(tableWords(table.name).at(-1) ?? "") &&
    postColumnOf(table, posts, references) !== undefined &&
    bodyOf(table)?.sure === true &&
    personsOf(table, people, references).length > 0
  );
}

/** In a forum the first comment of a topic is its text: where that is. */
export interface Opening {
  table: Table;
  post: Column;
  text: Column;
  /** From 1 on. */
  number: Column;
}

export function findOpening(
  catalog: Catalog,
  posts: Table,
  people: People | undefined,
  references: References,
): Opening | undefined {
  if (!titleOf(posts) || bodyOf(posts)?.sure) return undefined;
  for (const table of catalog) {
    if (!isCommentTable(table, posts, people, references)) continue;
    const target = postColumnOf(table, posts, references);
    const text = bodyOf(table)?.column;
    const number = table.columns.find(
      ({ name, kind }) =>
        kind === "number" && /^((post|comment|reply|message)_)?(number|position|floor|index)$/.test(plainName(name)),
    );
    if (target && !target.ofPosts && text && number) return { table, post: target.post, text, number };
  }
  return undefined;
}

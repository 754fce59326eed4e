/** Which column of a table names a post. */
import { type Column, keyOf, sampleOf, type Table } from "../catalog/catalog.ts";
import { type OpenReference, openReferenceOf, type References } from "../catalog/references.ts";
import { tableWords } from "../catalog/words.ts";
import type { Deeds } from "./deeds.ts";

export interface Target {
  post: Column;
  ofPosts?: Deeds["ofPosts"];
  sure: boolean;
}

/** The column by which a table names a post, of its own or beside others. */
export function postColumnOf(table: Table, posts: Table, references: References): Target | undefined {
  const key = keyOf(posts);
  const reference = references.of(table).find(({ to, key: at }) => to === posts && at === key?.name);
  if (reference) return { post: reference.column, sure: reference.sure };
  for (const column of table.columns) {
    const open = column.kind === key?.kind ? openReferenceOf(table, column) : undefined;
    const ofPosts = open && valuesOf(open, posts, table);
    if (open && ofPosts) return { post: open.id, ofPosts, sure: false };
  }
  return undefined;
}

/** Which values of a type mean rows of a table: those that are there, or the ways in which frameworks write them. Undefined: none of those that are there. */
export function valuesOf({ type }: OpenReference, to: Table, from: Table): Deeds["ofPosts"] {
  const name = tableWords(to.name).join("");
  const isName = (value: string) => tableWords(value.split(/[\\.:/]/).at(-1) ?? "").join("") === name;
  const there = type.values.filter(isName);
  if (there.length > 0) return { type, values: there, sure: true };
  if (type.values.length > 0 && (type.closed || sampleOf(from, type))) return undefined;
  const last = tableWords(to.name).at(-1) ?? "";
  return {
    type,
    values: [...new Set([last, to.name.toLowerCase(), last[0]?.toUpperCase() + last.slice(1)])],
    sure: false,
  };
}

/** Where an app keeps vectors that another model made of its posts and people. */
import { type Column, isUnused, type Table } from "../catalog/catalog.ts";
import { pickColumn } from "../catalog/pick-columns.ts";
import type { References } from "../catalog/references.ts";
import { type KnownApp, type PersonColumn, personOfEachRow } from "./find-people.ts";

export interface PostVectors {
  table: Table;
  /** Which post it is of. */
  post: Column;
  vector: Column;
  /** Says which model made it; undefined: nothing does. */
  encoder: Column | undefined;
}

/** In the table of posts itself, or in one that has a row for each post; rows for pieces of a post are in `pieces`. */
export function findVectors(
  posts: Table,
  key: Column,
  references: References,
): { vectors: PostVectors[]; pieces: Table[] } {
  const vectors: PostVectors[] = [];
  const pieces = new Set<Table>();
  const ofTable = (table: Table, post: Column, isOne: boolean) => {
    for (const vector of table.columns) {
      if (vector.kind !== "vector" || isUnused(table, vector)) continue;
      if (isOne) vectors.push({ table, post, vector, encoder: pickColumn(table, encoderNames, ["text"]) });
      else pieces.add(table);
    }
  };
  ofTable(posts, key, true);
  for (const { from, reference } of references.into(posts))
    if (reference.key === key.name) {
      const isKey = from.primaryKey.length === 1 && from.primaryKey[0] === reference.column.name;
      ofTable(from, reference.column, isKey || from.unique.includes(reference.column.name));
    }
  return { vectors, pieces: [...pieces] };
}

export interface UserVectors {
  table: Table;
  /** Whose it is, once each; undefined: the row is that of the person. */
  person: PersonColumn | undefined;
  vector: Column;
  encoder: Column | undefined;
}

/** In the table of people itself, or in one that has a row for each of them. */
export function findUserVectors(app: KnownApp, posts: Table | undefined): UserVectors[] {
  return app.catalog.flatMap((table) => {
    if (table === posts) return [];
    const isPeople = table === app.people?.table;
    const person = isPeople ? undefined : personOfEachRow(app, table);
    if (!isPeople && !person) return [];
    return table.columns
      .filter((vector) => vector.kind === "vector" && !isUnused(table, vector))
      .map((vector) => ({ table, person, vector, encoder: pickColumn(table, encoderNames, ["text"]) }));
  });
}

const encoderNames = ["encoder", "embedding_model", "embedder", "model_name", "model"];

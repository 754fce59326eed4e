import { type InsertQueryBuilder, type InsertResult, sql } from "kysely";
import type { Query } from "../../supabase/functions/_shared/database/database.ts";
import type { DB } from "../../supabase/functions/_shared/database/schema.ts";

/**
 * Takes some columns over where the row is there and one of them differs, so that a second import of the same changes nothing. Returns
 * what was written, and whether it is new: an inserted row has never been locked or updated.
 */
export function updateChanged<Table extends "public.posts" | "public.profiles">(
  insert: InsertQueryBuilder<DB, Table, InsertResult>,
  table: Table,
  columns: readonly (keyof DB[Table] & string)[],
): Query<{ id: string; is_new: boolean }> {
  const [was, will] = [table, "excluded"].map((of) => sql.join(columns.map((name) => sql.ref(`${of}.${name}`))));
  const update = Object.fromEntries(columns.map((name) => [name, sql.ref(`excluded.${name}`)]));
  return insert
    .onConflict((row) =>
      row
        .columns(["id" as never])
        .doUpdateSet(update as never)
        .where(sql<boolean>`(${was}) is distinct from (${will})`),
    )
    .returning([sql<string>`id`.as("id"), sql<boolean>`xmax = 0`.as("is_new")]);
}

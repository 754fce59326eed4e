/** Which column of a table is its title, its time, the sign of its deletion: by names and types. */
import type { Column, ColumnKind, Table } from "./catalog.ts";
import { columns, isProse, plainName } from "./words.ts";

const times: ColumnKind[] = ["timestamptz", "timestamp", "date", "number"];
const texts: ColumnKind[] = ["text"];

/** The first of the names that the table has, among columns of these kinds. */
export function pick(table: Table, names: readonly string[], kinds: ColumnKind[]): Column | undefined {
  for (const name of names) {
    const found = table.columns.find((column) => kinds.includes(column.kind) && plainName(column.name) === name);
    if (found) return found;
  }
  return undefined;
}

export function titleOf(table: Table): Column | undefined {
  return pick(table, columns.title, texts);
}

/** What people wrote, beside the title; `sure`: whether its name says so. */
export function bodyOf(table: Table): { column: Column; sure: boolean } | undefined {
  const title = titleOf(table);
  const named =
    pick(table, columns.body, texts) ??
    table.columns.find(
      ({ kind, name }) =>
        kind === "text" && isProse(name) && /(body|content|text|message|description)$/.test(plainName(name)),
    );
  if (named && named !== title) return { column: named, sure: true };
  const json = pick(table, columns.body, ["jsonb"]);
  if (json) return { column: json, sure: false };
  const other = table.columns.find(
    ({ name, kind, values }) =>
      kind === "text" &&
      name !== title?.name &&
      values.length === 0 &&
      !notProse.has(plainName(name)) &&
      isProse(name) &&
      !/(_|I)[dD]$/.test(name),
  );
  return other && { column: other, sure: false };
}

const notProse = new Set<string>([...columns.sort, ...columns.state, ...columns.audience, ...columns.kind]);

export interface TimeColumn {
  column: Column;
  /** Why it may be the wrong one, said of it. */
  doubt?: string;
}

/** When the row came to be. */
export function createdOf(table: Table): TimeColumn | undefined {
  const named = pick(table, columns.created, times);
  if (named) return { column: named };
  const updated = pick(table, columns.updated, times);
  const other = table.columns.find(
    ({ kind, name }) =>
      (kind === "timestamptz" || kind === "timestamp") &&
      !columns.deletedTime.includes(plainName(name)) &&
      name !== updated?.name,
  );
  if (other) return { column: other, doubt: "taken for when it came to be, since it is a time" };
  return (
    updated && {
      column: updated,
      doubt: "when it was last changed stands in: the table does not say when it came to be",
    }
  );
}

/** Since when a post is there to be seen. */
export function publishedOf(table: Table): TimeColumn | undefined {
  const published = pick(table, columns.published, times);
  return published ? { column: published } : createdOf(table);
}

export interface Condition {
  column: Column;
  /** What holds of a row that is there to be seen. */
  test: "null" | "absent" | "zero" | "not true" | "true" | "present" | "not first" | { in: string[] };
  doubt?: string;
}

/** What holds of rows that were not deleted, hidden or left unpublished. */
export function livingConditions(table: Table): Condition[] {
  const conditions: Condition[] = [];
  const add = (column: Column | undefined, test: Condition["test"], doubt?: string) =>
    column && conditions.push({ column, test, ...(doubt && { doubt }) });
  for (const column of table.columns) {
    const name = plainName(column.name);
    if (
      columns.deletedTime.includes(name) &&
      (column.kind === "timestamptz" || column.kind === "timestamp" || column.kind === "date")
    )
      add(column, "null");
    else if (columns.deletedTime.includes(name) && column.kind === "number")
      add(column, "zero", "taken as 0 or null while it is not deleted");
    else if (columns.deletedFlag.includes(name) && column.kind === "boolean") add(column, "not true");
    else if (columns.shownFlag.includes(name) && column.kind === "boolean")
      add(column, "true", "taken as true where it is there to be seen");
  }
  const state = pick(table, columns.state, ["text", "enum"]);
  const shown =
    state?.values.filter((value) => (columns.shownStates as readonly string[]).includes(value.toLowerCase())) ?? [];
  if (state && shown.length > 0)
    add(state, { in: shown }, `of ${state.values.join(", ")} only ${shown.join(", ")} is shown`);
  return conditions;
}

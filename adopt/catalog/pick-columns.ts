/** Which column of a table is its title, its time, the sign of its deletion: by names and types. */
import {
  type Column,
  type ColumnKind,
  type IdForm,
  isUnused,
  keyOf,
  sampleOf,
  sayableValues,
  type Table,
} from "./catalog.ts";
import { columns, isProse, plainName } from "./words.ts";

const times: ColumnKind[] = ["timestamptz", "timestamp", "date", "number"];
const texts: ColumnKind[] = ["text"];

/** The first of the names that the table has, among columns of these kinds. */
export function pickColumn(table: Table, names: readonly string[], kinds: ColumnKind[]): Column | undefined {
  for (const name of names) {
    const found = table.columns.find((column) => kinds.includes(column.kind) && plainName(column.name) === name);
    if (found) return found;
  }
  return undefined;
}

/** Picks as `pickColumn` does, among the columns that have values. */
export function pickUsed(table: Table, names: readonly string[], kinds: ColumnKind[]): Column | undefined {
  return pickColumn({ ...table, columns: table.columns.filter((column) => !isUnused(table, column)) }, names, kinds);
}

export function titleOf(table: Table): Column | undefined {
  return pickUsed(table, columns.title, texts);
}

/** What people wrote besides the title; `sure`: whether its name says so. */
export function bodyOf(table: Table): { column: Column; sure: boolean } | undefined {
  const title = titleOf(table);
  const named = longest(
    table,
    table.columns.filter((column) => column.kind === "text" && column !== title && isBody(column.name)),
  );
  if (named) return { column: named, sure: true };
  const json = pickUsed(table, columns.body, ["jsonb"]);
  if (json) return { column: json, sure: false };
  const other = table.columns.find(
    (column) =>
      column.kind === "text" &&
      column.name !== title?.name &&
      column.values.length === 0 &&
      !isUnused(table, column) &&
      !notProse.has(plainName(column.name)) &&
      isProse(column.name) &&
      !/(_|I)[dD]$/.test(column.name),
  );
  // it is empty now and may be filled later
  const empty = pickColumn(table, columns.body, texts);
  const found = other ?? (empty !== title ? empty : undefined);
  return found && { column: found, sure: false };
}

function isBody(name: string): boolean {
  const plain = plainName(name);
  return (
    columns.body.includes(plain) ||
    (isProse(name) && /(body|content|text|message|description)(_(markdown|md|raw|html))?$/.test(plain))
  );
}

/** Whether a text is made of another one, for a page: it says the same, with tags in between. */
export function isHtml({ name }: Column): boolean {
  return /(^|_)(html|rendered|cooked|processed)($|_)/.test(plainName(name));
}

/** Of several texts of a row the one that says most: a page's own text rather than what is worked out of it, the longest, the likeliest by its name. */
function longest(table: Table, found: Column[]): Column | undefined {
  const place = ({ name }: Column) => columns.body.indexOf(plainName(name)) + 1 || columns.body.length + 1;
  const length = (column: Column) => {
    const sampled = sampleOf(table, column);
    return sampled ? (sampled.present / (table.sample?.rows ?? 1)) * sampled.length : 0;
  };
  return found
    .filter((column) => !isUnused(table, column))
    .sort(
      (one, other) =>
        Number(isHtml(one)) - Number(isHtml(other)) || length(other) - length(one) || place(one) - place(other),
    )[0];
}

const notProse = new Set<string>([...columns.sort, ...columns.state, ...columns.audience, ...columns.kind]);

export interface TimeColumn {
  column: Column;
  /** Where it is an id, in which the time is. */
  form?: IdForm;
  /** Why it may be the wrong one, said of it. */
  doubt?: string;
}

export function createdOf(table: Table): TimeColumn | undefined {
  const named = pickUsed(table, columns.created, times);
  if (named) return { column: named };
  const key = keyOf(table);
  if (table.idTime && key) return { column: key, form: table.idTime.form };
  const updated = pickColumn(table, columns.updated, times);
  const other = table.columns.find(
    ({ kind, name }) =>
      (kind === "timestamptz" || kind === "timestamp") &&
      !columns.deletedTime.includes(plainName(name)) &&
      name !== updated?.name,
  );
  if (other) return { column: other, doubt: "taken for when it was created, since it is a time" };
  return (
    updated && {
      column: updated,
      doubt: "when it was last changed stands in: the table does not say when it was created",
    }
  );
}

/** Since when a post is there to be seen. */
export function publishedOf(table: Table): TimeColumn | undefined {
  const published = pickUsed(table, columns.published, times);
  return published ? { column: published } : createdOf(table);
}

export interface Condition {
  column: Column;
  /** What holds of a row that is there to be seen. */
  test:
    | "null"
    | "absent"
    | "zero"
    | "not true"
    | "true"
    | "present"
    | "not first"
    | { in: string[] }
    | { notIn: string[] };
  doubt?: string;
}

/** What holds of rows that were not deleted, hidden or left unpublished. */
export function visibleRowConditions(table: Table): Condition[] {
  return statedConditions(table).filter((condition) => !leavesNothing(table, condition));
}

/** The condition of posts that are for more than a few readers: an audience may be one person. */
export function audienceCondition(table: Table): Condition | undefined {
  const column = pickColumn(table, columns.audience, ["text", "enum"]);
  const few = column?.values.filter((value) => columns.keptToFew.includes(plainName(value))) ?? [];
  if (!column || few.length === 0 || few.length === column.values.length) return privateCondition(table);
  return {
    column,
    test: { notIn: few },
    doubt: `of ${sayableValues(column).join(", ")} what is ${few.join(", ")} is no post here; who may see the others row level security says`,
  };
}

/** The same where a flag says it. */
function privateCondition(table: Table): Condition | undefined {
  const column = pickColumn(table, ["is_private", "private"], ["boolean"]);
  const condition: Condition | undefined = column && { column, test: "not true" };
  if (!condition || leavesNothing(table, condition)) return undefined;
  const doubt = `what is private is no post here${hides(table, condition)}; who may see the others row level security says`;
  return { ...condition, doubt };
}

/** Flags that may or may not hide a post, such as nsfw, each with the condition that would hide it. */
export function doubtedFlags(table: Table): { condition: Condition; hidden: number | undefined; rows: number }[] {
  const { adult, acceptedFlag } = columns;
  const conditions = table.columns.flatMap((column): Condition[] => {
    if (column.kind !== "boolean") return [];
    if (adult.includes(plainName(column.name))) return [{ column, test: "not true" }];
    return acceptedFlag.includes(plainName(column.name)) ? [{ column, test: "true" }] : [];
  });
  return conditions.map((condition) => {
    const left = rowsLeft(table, condition);
    const rows = table.sample?.rows ?? 0;
    return { condition, hidden: left === undefined ? undefined : rows - left, rows };
  });
}

/** How many of the sampled rows a condition hides, in words. */
function hides(table: Table, condition: Condition): string {
  const left = rowsLeft(table, condition);
  const rows = table.sample?.rows ?? 0;
  return left === undefined ? "" : `, which hides ${rows - left} of ${rows} rows`;
}

/** Conditions that are left out, since hardly a row would be left: the app does not use them as their names say. */
export function overlyStrictConditions(table: Table): (Condition & { left: number; rows: number })[] {
  return statedConditions(table)
    .filter((condition) => leavesNothing(table, condition))
    .map((condition) => ({
      ...condition,
      left: rowsLeft(table, condition) ?? 0,
      rows: table.sample?.rows ?? 0,
    }));
}

/** Below this share of the rows a condition is taken for a mistake; of fewer rows than these nothing is said. */
const hardlyAny = 0.01;
const enoughToSay = 100;

/** What was deleted or kept back stays out, even where that is nearly all. */
const kept = /(delete|remove|trash|discard|tombstone|suspend|withdraw|revoke|ban|spam|draft|moderat)/;

function leavesNothing(table: Table, condition: Condition): boolean {
  const left = rowsLeft(table, condition);
  return (
    left !== undefined &&
    (table.sample?.rows ?? 0) >= enoughToSay &&
    left < hardlyAny * (table.sample?.rows ?? 0) &&
    !kept.test(plainName(condition.column.name))
  );
}

/** For how many of the sampled rows a condition of its own column holds. */
function rowsLeft(table: Table, { column, test }: Condition): number | undefined {
  const sampled = sampleOf(table, column);
  const rows = table.sample?.rows ?? 0;
  if (!sampled) return undefined;
  if (test === "null" || test === "absent") return rows - sampled.present;
  if (test === "zero" || test === "not true") return rows - sampled.yes;
  if (test === "true") return sampled.yes;
  if (test === "present") return sampled.present;
  if (typeof test === "object" && "in" in test && sampled.distinct <= sampled.values.length)
    return sampled.values.reduce((sum, [value, times]) => sum + (test.in.includes(value) ? times : 0), 0);
  return undefined;
}

/** What names and kinds of columns say of whether a row is there to be seen. */
const signs: { names: readonly string[]; kinds: ColumnKind[]; says: Omit<Condition, "column"> }[] = [
  { names: columns.deletedTime, kinds: ["timestamptz", "timestamp", "date"], says: { test: "null" } },
  {
    names: columns.deletedTime,
    kinds: ["number"],
    says: { test: "zero", doubt: "taken as 0 or null while it is not deleted" },
  },
  { names: columns.deletedFlag, kinds: ["boolean"], says: { test: "not true" } },
  {
    names: columns.shownFlag,
    kinds: ["boolean"],
    says: { test: "true", doubt: "taken as true where it is there to be seen" },
  },
];

function statedConditions(table: Table): Condition[] {
  const conditions = table.columns.flatMap((column): Condition[] => {
    const sign = signs.find(
      ({ names, kinds }) => names.includes(plainName(column.name)) && kinds.includes(column.kind),
    );
    if (!sign) return [];
    const condition: Condition = { column, ...sign.says };
    const { doubt, test } = condition;
    return [test === "true" && doubt ? { ...condition, doubt: `${doubt}${hides(table, condition)}` } : condition];
  });
  const states = columns.state.flatMap((name) => pickColumn(table, [name], ["text", "enum"]) ?? []);
  return [...conditions, ...states.flatMap((state) => stateCondition(table, state))];
}

function stateCondition(table: Table, state: Column): Condition[] {
  const shown = state.values.filter((value) => columns.shownStates.includes(value.toLowerCase()));
  if (shown.length === 0) return [];
  const condition: Condition = { column: state, test: { in: shown } };
  const doubt = `of ${sayableValues(state).join(", ")} only ${shown.join(", ")} is shown${hides(table, condition)}`;
  return [{ ...condition, doubt }];
}

/** Which column of a table names a row of which other table: by foreign keys, and where an app has none, by names. */
import { type Catalog, type Column, columnOf, keyOf, type Table } from "./catalog.ts";
import { tableWords, wordsOfName } from "./words.ts";

interface Reference {
  column: Column;
  /** The table it leads to, or Supabase's own table of people. */
  to: Table | "auth.users";
  /** The column there. */
  key: string;
  /** Whether a foreign key says so. */
  sure: boolean;
}

/** A row of another table that names the person or thing that a row belongs to. */
export interface Joined {
  table: Table;
  key: string;
  /** The column that names it. */
  by: Column;
}

/** A pair of columns that names rows of several tables: `likeable_type` says of which one `likeable_id` is. */
export interface OpenReference {
  type: Column;
  id: Column;
}

export type References = ReturnType<typeof findReferences>;

export function findReferences(catalog: Catalog) {
  const all = new Map(catalog.map((table) => [table, [...declared(table, catalog), ...implied(table, catalog)]]));
  const of = (table: Table) => all.get(table) ?? [];
  /** Those to other tables of the app. */
  const others = (table: Table) =>
    of(table).flatMap(({ to, ...reference }) => (to === "auth.users" || to === table ? [] : [{ ...reference, to }]));
  /** References to the table from others, each with the table that has it. */
  const into = (table: Table) =>
    catalog.flatMap((from) =>
      others(from).flatMap((reference) => (reference.to === table ? [{ from, reference }] : [])),
    );
  return { of, others, into };
}

function declared(table: Table, catalog: Catalog): Reference[] {
  return table.foreignKeys.flatMap(({ columns, schema, table: name, referenced }) => {
    const to =
      schema === "auth" && name === "users"
        ? "auth.users"
        : catalog.find((other) => other.schema === schema && other.name === name);
    // of several columns the one that leads to the key by itself: a partitioned table's key has its range column, too
    const place = to === undefined || to === "auth.users" ? 0 : Math.max(0, referenced.indexOf(keyOf(to)?.name ?? ""));
    const column = columnOf(table, columns[place]);
    return to && column ? [{ column, to, key: referenced[place], sure: true }] : [];
  });
}

function implied(table: Table, catalog: Catalog): Reference[] {
  const bound = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
  return table.columns.flatMap((column) => {
    const stem = stemOf(column);
    if (bound.has(column.name) || stem === undefined || openReferenceOf(table, column)) return [];
    const fits = catalog
      .map((to) => ({
        to,
        key: keyOf(to),
        fit: likeness(stem, tableWords(to.name)) - (to.schema === table.schema ? 0 : 0.5),
      }))
      .filter(({ key, fit }) => fit > 0 && key?.kind === column.kind)
      .sort((one, other) => other.fit - one.fit || one.to.name.length - other.to.name.length);
    const [best] = fits;
    // a row is not named by its own key
    if (!best?.key || (best.to === table && best.key.name === column.name)) return [];
    return [{ column, to: best.to, key: best.key.name, sure: false }];
  });
}

/** `author_user_id`: ["author", "user"]; undefined: the column names no row. */
function stemOf({ name, kind }: Column): string[] | undefined {
  if (kind !== "uuid" && kind !== "number" && kind !== "text") return undefined;
  const words = tableWords(name);
  const last = words.at(-1);
  if (last === "id" || last === "uuid" || last === "uid") return words.length > 1 ? words.slice(0, -1) : undefined;
  return words.length === 1 && last && /[^aeiou]id$|[aeiou]rid$/.test(last) && last.length > 4
    ? [last.slice(0, -2)]
    : undefined;
}

/** 3: the same words; 2: the table has a prefix before them (zerver_message); 1: the column says more (author_user_id). */
function likeness(stem: string[], table: string[]): number {
  const whole = stem.join("");
  if (table.join("") === whole) return 3;
  if (table.some((_, from) => table.slice(from).join("") === whole)) return 2;
  if (stem.some((_, from) => stem.slice(from).join("") === table.join(""))) return 1;
  return 0;
}

export function openReferenceOf(table: Table, id: Column): OpenReference | undefined {
  const words = wordsOfName(id.name);
  if (words.length < 2 || words.at(-1) !== "id") return undefined;
  const typeName = [...words.slice(0, -1), "type"].join("_");
  const type = table.columns.find((column) => wordsOfName(column.name).join("_") === typeName);
  return type && (type.kind === "text" || type.kind === "enum") ? { type, id } : undefined;
}

/** The rows of a bundle, a batch at a time, into the tables of the example app and the log of impressions. */
import { type Insertable, type InsertQueryBuilder, type InsertResult, type Selectable, sql } from "kysely";
import { type Connection, execute, type Query, run } from "../../supabase/functions/_shared/database/database.ts";
import {
  anyOf,
  type ColumnValues,
  countOf,
  db,
  insertRows,
  unnest,
} from "../../supabase/functions/_shared/database/query.ts";
import type { DB } from "../../supabase/functions/_shared/database/schema.ts";
import type { Kind } from "../../supabase/functions/_shared/features/kinds.ts";
import type { BundlePart, RecordOf, UserRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import { externalUuid } from "./known-ids.ts";

/** What became of a batch's rows: new, or there before with another text. The others were there as they are. */
export interface WrittenRows {
  added: number;
  updated: number;
}

/** Columns that are not what the record says: `keys.user_id[i]` is the uuid of the user of `records[i]`. */
export type Keys = Record<string, readonly unknown[]>;

type Types = Record<string, ColumnValues[0]>;

/** Where the records of a part go. Of rows that are there already, `taken` are the columns that are taken over. */
function into<Table extends keyof DB>(
  table: Table,
  columns: { [Name in keyof Insertable<DB[Table]>]?: ColumnValues[0] },
  taken: readonly (keyof DB[Table] & string)[] = [],
  key = "id",
) {
  return { table, columns: columns as Types, taken, key };
}

const [uuid, text, created_at] = ["uuid", "text", "timestamptz"] as const;
const acts: Types = { user_id: uuid, post_id: uuid, kind: text, value: "real", created_at };
const projects = into("public.projects", { id: uuid, owner_id: uuid, title: text, created_at });
const targets = {
  users: into("public.profiles", { id: uuid, external_id: text, passions: "text[]", bio: text, created_at }, [
    "passions",
    "bio",
  ]),
  posts: into(
    "public.posts",
    { id: uuid, external_id: text, author_id: uuid, title: text, description: text, tags: "text[]", created_at },
    ["author_id", "title", "description", "tags"],
  ),
  logins: into("public.logins", { user_id: uuid, created_at }),
  // score and model are unknown, so null
  impressions: into("recsys.impressions", {
    request_id: uuid,
    user_id: uuid,
    post_id: uuid,
    position: "smallint",
    shown_at: created_at,
  }),
  follows: into("public.follows", { user_id: uuid, kind: text, target: text, created_at }),
  post_vectors: into(
    "recsys_engine.raw_vectors",
    { post_id: uuid, encoder: text, vector: "real[]" },
    ["encoder", "vector"],
    "post_id",
  ),
  user_vectors: into(
    "recsys_engine.raw_user_vectors",
    { user_id: uuid, encoder: text, vector: "real[]" },
    ["encoder", "vector"],
    "user_id",
  ),
};

/** Inserts records of a part, and of users and posts updates those that differ; those of users with their projects. */
export async function insertRecords<Part extends BundlePart>(
  client: Pick<Connection, "query">,
  part: Part,
  records: RecordOf<Part>[],
  keys: Keys,
): Promise<WrittenRows> {
  if (part === "interactions") return { added: await insertInteractions(client, records, keys), updated: 0 };
  const { table, columns, taken, key } = targets[part as Exclude<BundlePart, "interactions">];
  const insert = insertRows(table, valuesOf(columns, records, keys));
  if (taken.length === 0) return { added: await execute(client, ifNew(insert)), updated: 0 };
  const rows = await run(client, updateChanged(insert, table, taken, key));
  const added = rows.filter(({ is_new }) => is_new).map(({ id }) => id);
  const owners = part === "users" ? await writeProjects(client, records as UserRecord[], keys.id as string[]) : [];
  const changed = new Set([...rows.map(({ id }) => id), ...owners]);
  return { added: added.length, updated: changed.size - added.length };
}

/** The values of each column, as literals. */
function valuesOf(columns: Types, records: object[], keys: Keys): Record<string, ColumnValues> {
  const literal = (type: ColumnValues[0], values: readonly unknown[]): ColumnValues => {
    if (type === "text[]") return [type, textArray((values as string[][]).map(textArray))];
    if (type === "real[]") return [type, textArray((values as number[][]).map(plainArray))];
    return [type, type === "text" ? textArray(values as string[]) : plainArray(values as string[])];
  };
  const named = (name: string) => keys[name] ?? records.map((record) => (record as Record<string, unknown>)[name]);
  return Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, literal(type, named(name))]));
}

/**
 * Inserts projects and deletes those that an earlier import brought and this one no longer names; a project that its
 * owner made in the app stays. Resolves to the owners of both.
 */
async function writeProjects(
  client: Pick<Connection, "query">,
  users: UserRecord[],
  uuids: string[],
): Promise<string[]> {
  const given = users.flatMap(({ projects, created_at }, i) =>
    projects.map((title) => ({ id: projectId(uuids[i], title), owner_id: uuids[i], title, created_at })),
  );
  const ofTheirs = db.selectFrom("public.projects").select(["id", "owner_id", "title"]);
  const existing = await run(client, ofTheirs.where("owner_id", "=", anyOf(uuids)));
  const named = new Set(given.map(({ id }) => id));
  const dropped = existing.filter(({ id, owner_id, title }) => !named.has(id) && id === projectId(owner_id, title));
  if (dropped.length > 0)
    await run(client, db.deleteFrom("public.projects").where("id", "=", anyOf(dropped.map(({ id }) => id))));
  const written = ifNew(insertRows(projects.table, valuesOf(projects.columns, given, {}))).returning("owner_id");
  const added = given.length > 0 ? await run(client, written) : [];
  return [...dropped, ...added].map(({ owner_id }) => owner_id);
}

function projectId(owner: string, title: string): string {
  return externalUuid("project", `${owner}:${title}`);
}

/**
 * Inserts interactions, each kind into its table; resolves to how many were new.
 * The ids ascend in the order given, so that interactions of the same instant keep it.
 */
async function insertInteractions(client: Pick<Connection, "query">, records: object[], keys: Keys): Promise<number> {
  const given = db
    .selectFrom(unnest(valuesOf(acts, records, keys)).as("given"))
    .selectAll()
    .orderBy("number");
  const id = sql<number>`nextval('public.interaction_id_seq')`.as("id");
  const written = db
    .with(
      (cte) => cte("numbered").materialized(),
      () => db.selectFrom(given.as("in_order")).selectAll().select(id),
    )
    .with("views", () => insertOf("view", "public.post_views"))
    .with("votes", () => insertOf("vote", "public.post_votes"))
    .with("comments", () => insertOf("comment", "public.comments"))
    .selectNoFrom(({ selectFrom }) => {
      const [views, votes, comments] = (["views", "votes", "comments"] as const).map((of) =>
        selectFrom(of).select(countOf().as("n")),
      );
      return sql<number>`${views} + ${votes} + ${comments}`.as("added");
    });
  const [{ added }] = await run(client, written);
  return added;
}

/** Those of a kind, out of what the statement calls numbered. */
function insertOf(kind: Kind, table: "public.post_views" | "public.post_votes" | "public.comments") {
  const columns = ["id", "user_id", "post_id", "value", "created_at"] as const;
  const numbered = db.withTables<{ numbered: Selectable<DB["public.comments"]> & { kind: Kind } }>();
  return numbered
    .insertInto(table)
    .columns(columns)
    .expression(numbered.selectFrom("numbered").select(columns).where("kind", "=", kind))
    .onConflict((row) => row.doNothing())
    .returning("id");
}

/**
 * Takes some columns over where the row is there and one of them differs, so that a second import of the same changes nothing. Returns
 * what was written, and whether it is new: an inserted row has never been locked or updated.
 */
function updateChanged<Table extends keyof DB>(
  insert: InsertQueryBuilder<DB, Table, InsertResult>,
  table: Table,
  columns: readonly string[],
  key: string,
): Query<{ id: string; is_new: boolean }> {
  const [was, will] = [table, "excluded"].map((of) => sql.join(columns.map((name) => sql.ref(`${of}.${name}`))));
  const update = Object.fromEntries(columns.map((name) => [name, sql.ref(`excluded.${name}`)]));
  return insert
    .onConflict((row) =>
      row
        .columns([key as never])
        .doUpdateSet(update as never)
        .where(sql<boolean>`(${was}) is distinct from (${will})`),
    )
    .returning([sql.ref<string>(key).as("id"), sql<boolean>`xmax = 0`.as("is_new")]);
}

/** What is there already stays as it is. */
export function ifNew<Table extends keyof DB>(
  insert: InsertQueryBuilder<DB, Table, InsertResult>,
): InsertQueryBuilder<DB, Table, InsertResult> {
  return insert.onConflict((row) => row.doNothing());
}

/** The rows of a bundle, a batch at a time, into the tables of the example app and the log of impressions. */
import { type InsertQueryBuilder, type InsertResult, type Selectable, sql } from "kysely";
import type { ClientBase } from "pg";
import { execute, type Query, run } from "../../supabase/functions/_shared/database/database.ts";
import { anyOf, countOf, db, insertRows, unnest } from "../../supabase/functions/_shared/database/query.ts";
import type { DB } from "../../supabase/functions/_shared/database/schema.ts";
import type { Kind } from "../../supabase/functions/_shared/features/kinds.ts";
import type {
  FollowRecord,
  ImpressionRecord,
  InteractionRecord,
  LoginRecord,
  PostRecord,
  UserRecord,
} from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import type { WrittenRows } from "./import-part.ts";
import { externalUuid } from "./known-ids.ts";

/** Inserts users, `uuids[i]` being that of `users[i]`, with their projects, and updates those whose texts differ. */
export async function insertUsers(client: ClientBase, users: UserRecord[], uuids: string[]): Promise<WrittenRows> {
  const written = insertRows("public.profiles", {
    id: ["uuid", plainArray(uuids)],
    external_id: ["text", textArray(users.map((user) => user.id))],
    passions: ["text[]", textArray(users.map((user) => textArray(user.passions)))],
    bio: ["text", textArray(users.map((user) => user.bio))],
    created_at: ["timestamptz", plainArray(users.map((user) => user.created_at))],
  });
  const rows = await run(client, updateChanged(written, "public.profiles", ["passions", "bio"]));
  const added = new Set(rows.filter((row) => row.is_new).map(({ id }) => id));
  const changed = new Set([...rows.map(({ id }) => id), ...(await writeProjects(client, users, uuids))]);
  return { added: added.size, updated: changed.size - added.size };
}

/**
 * Inserts projects and deletes those that an earlier import brought and this one no longer names; a project that its
 * owner made in the app stays. Resolves to the owners of both.
 */
async function writeProjects(client: ClientBase, users: UserRecord[], uuids: string[]): Promise<string[]> {
  const projects = users.flatMap((user, i) =>
    user.projects.map((title) => ({ id: projectId(uuids[i], title), owner: uuids[i], title, at: user.created_at })),
  );
  const ofTheirs = db.selectFrom("public.projects").select(["id", "owner_id", "title"]);
  const existing = await run(client, ofTheirs.where("owner_id", "=", anyOf(uuids)));
  const named = new Set(projects.map(({ id }) => id));
  const dropped = existing.filter(({ id, owner_id, title }) => !named.has(id) && id === projectId(owner_id, title));
  if (dropped.length > 0)
    await run(client, db.deleteFrom("public.projects").where("id", "=", anyOf(dropped.map(({ id }) => id))));
  if (projects.length === 0) return dropped.map(({ owner_id }) => owner_id);
  const written = insertRows("public.projects", {
    id: ["uuid", plainArray(projects.map(({ id }) => id))],
    owner_id: ["uuid", plainArray(projects.map(({ owner }) => owner))],
    title: ["text", textArray(projects.map(({ title }) => title))],
    created_at: ["timestamptz", plainArray(projects.map(({ at }) => at))],
  });
  const added = await run(client, ifNew(written).returning("owner_id"));
  return [...dropped, ...added].map(({ owner_id }) => owner_id);
}

function projectId(owner: string, title: string): string {
  return externalUuid("project", `${owner}:${title}`);
}

/** Inserts public posts, `uuids[i]` and `authors[i]` being those of `posts[i]`, and updates those whose text or author differs. */
export async function insertPosts(
  client: ClientBase,
  posts: PostRecord[],
  uuids: string[],
  authors: (string | null)[],
): Promise<WrittenRows> {
  const written = insertRows("public.posts", {
    id: ["uuid", plainArray(uuids)],
    external_id: ["text", textArray(posts.map((post) => post.id))],
    author_id: ["uuid", plainArray(authors)],
    title: ["text", textArray(posts.map((post) => post.title))],
    description: ["text", textArray(posts.map((post) => post.description))],
    tags: ["text[]", textArray(posts.map((post) => textArray(post.tags)))],
    created_at: ["timestamptz", plainArray(posts.map((post) => post.created_at))],
  });
  const rows = await run(client, updateChanged(written, "public.posts", ["author_id", "title", "description", "tags"]));
  const added = rows.filter(({ is_new }) => is_new).length;
  return { added, updated: rows.length - added };
}

/**
 * Inserts interactions, each kind into its table; resolves to how many were new.
 * The ids ascend in the order given, so that interactions of the same instant keep it.
 */
export async function insertInteractions(
  client: ClientBase,
  interactions: InteractionRecord[],
  users: string[],
  posts: string[],
): Promise<WrittenRows> {
  const given = db
    .selectFrom(
      unnest({
        user_id: ["uuid", plainArray(users)],
        post_id: ["uuid", plainArray(posts)],
        kind: ["text", plainArray(interactions.map(({ kind }) => kind))],
        value: ["real", plainArray(interactions.map(({ value }) => (value == null ? null : Math.fround(value))))],
        created_at: ["timestamptz", plainArray(interactions.map(({ created_at }) => created_at))],
      }).as("given"),
    )
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
  return { added, updated: 0 };
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

/** Inserts logins, `users[i]` being the uuid of the user of `logins[i]`; resolves to the number that were new. */
export async function insertLogins(client: ClientBase, logins: LoginRecord[], users: string[]): Promise<WrittenRows> {
  const rows = insertRows("public.logins", {
    user_id: ["uuid", plainArray(users)],
    created_at: ["timestamptz", plainArray(logins.map(({ created_at }) => created_at))],
  });
  return { added: await execute(client, ifNew(rows)), updated: 0 };
}

/** Inserts impressions into the exposure log; resolves to how many were new. Score and model are unknown, so null. */
export async function insertImpressions(
  client: ClientBase,
  impressions: ImpressionRecord[],
  users: string[],
  posts: string[],
): Promise<WrittenRows> {
  const rows = insertRows("recsys.impressions", {
    request_id: ["uuid", plainArray(requestUuids(impressions))],
    user_id: ["uuid", plainArray(users)],
    post_id: ["uuid", plainArray(posts)],
    position: ["smallint", plainArray(impressions.map(({ position }) => position))],
    shown_at: ["timestamptz", plainArray(impressions.map(({ shown_at }) => shown_at))],
  });
  return { added: await execute(client, ifNew(rows)), updated: 0 };
}

/** Inserts follows, `users[i]` being the uuid of the user of `follows[i]` and `targets[i]` what it is of; resolves to the number that were new. */
export async function insertFollows(
  client: ClientBase,
  follows: FollowRecord[],
  users: string[],
  targets: string[],
): Promise<WrittenRows> {
  const rows = insertRows("public.follows", {
    user_id: ["uuid", plainArray(users)],
    kind: ["text", plainArray(follows.map(({ kind }) => kind))],
    target: ["text", textArray(targets)],
    created_at: ["timestamptz", plainArray(follows.map(({ created_at }) => created_at))],
  });
  return { added: await execute(client, ifNew(rows)), updated: 0 };
}

/** A request's impressions stand together, so most ids repeat the one before. */
function requestUuids(impressions: ImpressionRecord[]): string[] {
  let last = "";
  let uuid = "";
  return impressions.map(({ request_id }) => {
    if (request_id !== last) {
      last = request_id;
      uuid = externalUuid("request", request_id);
    }
    return uuid;
  });
}

/**
 * Takes some columns over where the row is there and one of them differs, so that a second import of the same changes nothing. Returns
 * what was written, and whether it is new: an inserted row has never been locked or updated.
 */
function updateChanged<Table extends "public.posts" | "public.profiles">(
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

/** What is there already stays as it is. */
export function ifNew<Table extends keyof DB>(
  insert: InsertQueryBuilder<DB, Table, InsertResult>,
): InsertQueryBuilder<DB, Table, InsertResult> {
  return insert.onConflict((row) => row.doNothing());
}

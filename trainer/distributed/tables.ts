/**
 * Users, posts, interactions and impressions of the database, each row in the shard of its user or post: several machines
 * may each write a shard. A user without personalisation has no profile, interactions and impressions there.
 */
import { join } from "node:path";
import { type Expression, sql } from "kysely";
import type { PoolClient } from "pg";
import { rows } from "../../db/cursor.ts";
import type { OnProgress } from "../../db/progress.ts";
import type { Query } from "../../supabase/functions/_shared/database/database.ts";
import { db, instantOf, listOf, milliseconds, textOf } from "../../supabase/functions/_shared/database/query.ts";
import { type ColumnTypes, type FileFacts, ParquetFile } from "../storage/parquet-file.ts";
import { type Shard, suffixOf } from "./shard.ts";

/** Rows of a row group. */
const rowsPerGroup = 20_000;

export interface TableOptions {
  folder: string;
  shard: Shard;
  /** Interactions and impressions with `from` ≤ time < `to`, milliseconds since 1970. */
  from: number;
  to: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

type Row = Record<string, unknown>;

interface Table {
  /** By the names that the query gives. */
  types: ColumnTypes;
  query: Query<Row>;
  /** Where a row belongs, within the folder, without its ending. */
  fileOf(row: Row): string;
}

const userTypes = {
  user_id: "text",
  external_id: "text?",
  passions: "text[]",
  projects: "text[]",
  bio: "text",
  created_at: "instant",
} satisfies ColumnTypes;

const postTypes = {
  post_id: "text",
  external_id: "text?",
  author_id: "text?",
  title: "text",
  description: "text",
  tags: "text[]",
  language: "text?",
  created_at: "instant",
} satisfies ColumnTypes;

const interactionTypes = {
  interaction_id: "long",
  user_id: "text",
  post_id: "text",
  kind: "text",
  value: "double?",
  created_at: "instant",
} satisfies ColumnTypes;

const impressionTypes = {
  request_id: "text",
  user_id: "text",
  post_id: "text",
  position: "int",
  shown_at: "instant",
  seen_at: "instant?",
  score: "real?",
  source: "text?",
  model_id: "int?",
  variant: "text?",
  mode: "text",
  explored: "flag",
  propensity: "real?",
  features: "real[]",
} satisfies ColumnTypes;

/** Writes the shard's part of the four tables; gives the facts of each file by its path within the folder. */
export async function exportTables(client: PoolClient, options: TableOptions): Promise<Record<string, FileFacts>> {
  const facts: Record<string, FileFacts> = {};
  for (const [name, table] of Object.entries(tablesOf(options))) await writeTable(client, name, table, options, facts);
  return facts;
}

function tablesOf({ shard, from, to }: TableOptions): Record<string, Table> {
  /** A number of an id that is the same for all machines. */
  const isOurs = (id: Expression<unknown>) =>
    sql<boolean>`mod(mod(hashtextextended(${id}::text, 0), ${shard.of}) + ${shard.of}, ${shard.of}) = ${shard.number - 1}`;
  const between = (at: Expression<unknown>) =>
    Number.isFinite(from)
      ? sql<boolean>`${at} >= ${instantOf(from)} and ${at} < ${instantOf(to)}`
      : sql<boolean>`${at} < ${instantOf(to)}`;
  const impersonal = (user: Expression<unknown>) =>
    sql<boolean>`exists (select from recsys_engine.personalization_opt_outs as impersonal where impersonal.user_id = ${user})`;
  const known = <Value>(user: Expression<unknown>, value: Expression<Value>, nothing: string) =>
    sql<Value>`case when ${impersonal(user)} then ${sql.raw(nothing)} else ${value} end`;
  const users = db
    .selectFrom("recsys.source_users as users")
    .select((user) => [
      "user_id",
      "external_id",
      known(user.ref("user_id"), listOf(user.ref("passions")), "'{}'").as("passions"),
      known(user.ref("user_id"), listOf(user.ref("projects")), "'{}'").as("projects"),
      known(user.ref("user_id"), textOf(user.ref("bio")), "''").as("bio"),
      "created_at",
    ])
    .where((user) => isOurs(user.ref("user_id")))
    .orderBy("created_at")
    .orderBy("user_id");
  const posts = db
    .selectFrom("recsys.source_posts")
    .select((post) => [
      "post_id",
      "external_id",
      "author_id",
      textOf(post.ref("title")).as("title"),
      textOf(post.ref("description")).as("description"),
      listOf(post.ref("tags")).as("tags"),
      "language",
      "created_at",
    ])
    .where((post) => isOurs(post.ref("post_id")))
    .orderBy("created_at")
    .orderBy("post_id", "desc");
  const interactions = db
    .selectFrom("recsys.source_interactions as acts")
    .select(["interaction_id", "user_id", "post_id", "kind", "value", "created_at"])
    .where((act) => isOurs(act.ref("acts.user_id")))
    .where((act) => between(act.ref("acts.created_at")))
    .where((act) => sql<boolean>`not ${impersonal(act.ref("acts.user_id"))}`)
    .orderBy("created_at")
    .orderBy("interaction_id");
  const impressions = db
    .selectFrom("recsys.impressions as shown")
    .select((shown) => [
      "request_id",
      "user_id",
      "post_id",
      "position",
      "shown_at",
      "seen_at",
      "score",
      "source",
      "model_id",
      "variant",
      "mode",
      "explored",
      "propensity",
      sql<number[]>`coalesce(${shown.ref("features")}, '{}')`.as("features"),
      milliseconds(shown.ref("shown_at")).as("at"),
    ])
    .where((shown) => isOurs(shown.ref("shown.user_id")))
    .where((shown) => between(shown.ref("shown.shown_at")))
    .where((shown) => sql<boolean>`not ${impersonal(shown.ref("shown.user_id"))}`)
    .orderBy("shown_at")
    .orderBy("request_id")
    .orderBy("position");
  const suffix = suffixOf(shard);
  const alone = (name: string) => () => `${name}${suffix}`;
  const dayOf = ({ at }: Row) => new Date(at as number).toISOString().slice(0, 10);
  return {
    users: { types: userTypes, query: users, fileOf: alone("users") },
    posts: { types: postTypes, query: posts, fileOf: alone("posts") },
    interactions: { types: interactionTypes, query: interactions, fileOf: alone("interactions") },
    impressions: {
      types: impressionTypes,
      query: impressions,
      fileOf: (row) => join("impressions", `day=${dayOf(row)}`, `impressions${suffix}`),
    },
  };
}

/** Rows come in the order of their files, so one is open at a time. Of a table without rows there is an empty file where it has but one. */
async function writeTable(
  client: PoolClient,
  name: string,
  { types, query, fileOf }: Table,
  { folder, onProgress = () => {}, signal }: TableOptions,
  facts: Record<string, FileFacts>,
): Promise<void> {
  let path: string | undefined;
  let file: ParquetFile | undefined;
  let buffered: Row[] = [];
  let done = 0;
  const step = `export of ${name}`;
  const open = async (next: string) => {
    path = next;
    file = await ParquetFile.create(join(folder, `${next}.parquet`), types);
  };
  const flush = async () => {
    const columns = Object.entries(types).map(([column, type]) => [
      column,
      buffered.map((row) => encoded(row[column], type)),
    ]);
    await file?.append(Object.fromEntries(columns));
    buffered = [];
    signal?.throwIfAborted();
    onProgress({ step, done });
  };
  const close = async () => {
    await flush();
    if (file) facts[`${path}.parquet`] = await file.close();
    file = undefined;
  };
  for await (const row of rows(client, query)) {
    const next = fileOf(row);
    if (next !== path) {
      await close();
      await open(next);
    }
    buffered.push(row);
    done++;
    if (buffered.length === rowsPerGroup) await flush();
  }
  if (path === undefined && name !== "impressions") await open(fileOf({}));
  await close();
  onProgress({ step, done, total: done });
}

function encoded(value: unknown, type: string): unknown {
  if (value === null) return undefined;
  return type.startsWith("long") ? BigInt(value as number) : value;
}

/** For tests: feeds whose posts a streaming replica finds. */
import assert from "node:assert/strict";
import { before } from "node:test";
import { setTimeout } from "node:timers/promises";
import { withoutCluster } from "../db/testing-cluster.ts";
import { type Replicated, replicatedDatabase } from "../db/testing-replica.ts";
import type { Feed } from "../supabase/functions/_shared/recommend/request/feed-schema.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { fillManyPosts } from "../supabase/functions/recommend/testing-many-posts.ts";
import { publishableKey, type TestApp } from "../supabase/functions/testing.ts";
import { publishTinyModel } from "./community.ts";

/** How far behind it may be here, in milliseconds. */
export const behind = 500;

type Scope = Parameters<typeof testApp>[0];

export interface ReplicatedCommunity extends Replicated {
  /** For the option `skip` of each test. */
  skip: Awaited<ReturnType<typeof withoutCluster>>;
  /** The users of the community. Empty until the tests begin. */
  readers: string[];
  /** The function `recommend` with the replica, which may be `mayBe` milliseconds behind. */
  replicaApp(scope: Scope, mayBe?: number): TestApp<Feed>;
}

/** Makes a primary with 600 posts and a model, and its replica; `scope`: a file. */
export async function replicatedCommunity(scope: Scope): Promise<ReplicatedCommunity> {
  const skip = await withoutCluster();
  const setting = (skip ? null : await replicatedDatabase(scope)) as Replicated;
  const readers: string[] = [];
  before(async () => {
    if (skip) return;
    const { pool } = setting.database;
    readers.push(...(await fillManyPosts(pool, 600)).people);
    await pool.query("update recsys.settings set trial_place = 0, diversity = 0, requests_per_minute = null");
    const modelId = await publishTinyModel(pool, { name: "tiny" });
    await pool.query(
      "insert into recsys.post_embeddings (model_id, post_id, embedding) select $1, id, $2::text::extensions.vector from public.posts on conflict do nothing",
      [modelId, `[1${",0".repeat(31)}]`],
    );
    await pool.query("analyze");
    await setting.replica.caughtUp();
  });
  const replicaApp = (scope: Scope, mayBe = behind) =>
    testApp(scope, setting.url, { replica: { url: setting.readUrl, behind: mayBe } });
  return { ...setting, skip, readers, replicaApp };
}

/** The codes that an app has logged. */
export const codesOf = ({ logged }: TestApp<Feed>) => logged.map(({ code }) => code);

/** Asks for the feed of a reader, or of a visitor (null). Returns it, its time in milliseconds, and whether the replica found its posts. */
export async function feedOf(app: TestApp<Feed>, reader: string | null, body: object = {}) {
  const headers: Record<string, string> = reader ? { authorization: `Bearer ${reader}` } : { apikey: publishableKey };
  const begun = performance.now();
  const response = await app.request("/recommend", { method: "POST", headers, body: JSON.stringify(body) });
  const feed = (await response.json()) as Feed;
  assert.equal(response.status, 200, JSON.stringify(feed));
  assert.equal(feed.degraded, null);
  const byReplica = response.headers.get("server-timing")?.includes("last_check") ?? false;
  return { feed, byReplica, milliseconds: performance.now() - begun };
}

/** Asks until the replica makes the feed, or the primary does. */
export async function untilBy(replica: boolean, app: TestApp<Feed>, reader: string): Promise<void> {
  for (const end = Date.now() + 10_000; (await feedOf(app, reader)).byReplica !== replica; await setTimeout(50))
    assert.ok(Date.now() < end, `for 10 s never by the ${replica ? "replica" : "primary"}: ${codesOf(app)}`);
}

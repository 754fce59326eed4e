/**
 * A project of its own for the recommender: the app's tables come by logical replication of PostgreSQL from a project that has no recommender, and
 * what people do there reaches the feeds here, under the same policies.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { people, post, privatePost, publishTinyModel } from "../testing/community.ts";
import { connect, type Database } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { readMigrations } from "./migration-files.ts";
import { type Cluster, testCluster, withoutCluster } from "./testing-cluster.ts";

const skip = await withoutCluster();
const tables = ["profiles", "projects", "posts", "post_views", "post_votes", "comments", "logins", "mutes", "follows"];
/** The migrations of the example app alone. */
const ofTheApp = (name: string) => ["app_tables", "mutes", "follows", "preferences", "withheld"].includes(name);

interface Projects {
  app: pg.Pool;
  recommender: Database;
}
const { app, recommender } = (skip ? {} : await twoProjects()) as Projects;
async function twoProjects(): Promise<Projects> {
  const appCluster = await testCluster({ after });
  const own = await testCluster({ after });
  const { pool: app } = await logical(appCluster);
  const recommender = await opened(own);
  const { pool } = recommender;
  await migrate(recommender);
  await pool.query("select cron.unschedule(jobid) from cron.job");
  await fillApp(app);
  await app.query(`create publication recommender for table ${tables.map((name) => `public.${name}`).join(", ")}`);
  await pool.query(`create subscription app connection '${appCluster.url}' publication recommender`);
  await until(async () => (await pool.query("select from pg_subscription_rel where srsubstate <> 'r'")).rowCount === 0);
  const { rows } = await pool.query("select recsys_engine.follow_replication() as watches");
  assert.ok(rows[0].watches >= 8, `${rows[0].watches} watches`);
  await pool.query("select recsys.roll_up()");
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set trial_place = 0, diversity = 0, author_decay = 1");
  // the model has vectors of what was copied
  await pool.query("delete from recsys_engine.embedding_jobs");
  return { app, recommender };
}

test("what was there is in feeds, under the policies that the app has", { skip }, async (t) => {
  const [ada, author] = [await feedOf(t, people.ada), await feedOf(t, people.author)];
  assert.ok(ada.includes(post(1)) && !ada.includes(privatePost));
  assert.deepEqual(author, [], "all are their own");
  assert.ok(!ada.includes(post(28)), "ada voted for it in the app");
});

test("a vote of the app changes the next feed here, and the state of the post", { skip }, async (t) => {
  const { rows: earlier } = await stateOf(4);
  assert.deepEqual(earlier, []);
  await app.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [people.ada, post(4)]);
  await arrives("select from public.post_votes where user_id = $1 and post_id = $2", people.ada, post(4));
  assert.ok(!(await feedOf(t, people.ada)).includes(post(4)), "felt at once");
  await recommender.pool.query("select recsys.roll_up()");
  assert.deepEqual((await stateOf(4)).rows, [{ votes: 1 }]);
  await app.query("delete from public.post_votes where user_id = $1 and post_id = $2", [people.ada, post(4)]);
  await until(async () => {
    await recommender.pool.query("select recsys.roll_up()");
    return (await stateOf(4)).rowCount === 0;
  });
  const { rows } = await recommender.pool.query("select * from recsys_engine.feature_store_differences()");
  assert.deepEqual(rows, [], "the feature store is what the interactions say");
});

test("a post of the app is queued for its vector, an edit again, and a deletion is forgotten", { skip }, async (t) => {
  const written = "0000000d-0000-4000-8000-000000000001";
  const job = () =>
    recommender.pool.query(
      "select version::integer from recsys_engine.embedding_jobs where kind = 'post' and entity_id = $1",
      [written],
    );
  await app.query(
    "insert into public.posts (id, author_id, title, tags, visibility) values ($1, $2, 'Fresh', '{sql}', 'public')",
    [written, people.author],
  );
  await until(async () => (await job()).rowCount === 1);
  assert.ok((await feedOf(t, people.ben)).includes(written), "new, and shown before it has a vector");
  assert.equal(
    (await recommender.pool.query("select from recsys_engine.post_tags where post_id = $1", [written])).rowCount,
    1,
  );
  await app.query("update public.posts set external_id = 'x' where id = $1", [written]);
  await app.query("update public.posts set title = 'Fresher' where id = $1", [written]);
  await arrives("select from public.posts where id = $1 and title = 'Fresher'", written);
  assert.equal((await job()).rows[0].version, 2, "once: what no tower reads changed nothing");
  await app.query("update public.posts set visibility = 'private' where id = $1", [written]);
  await arrives("select from public.posts where id = $1 and visibility = 'private'", written);
  assert.ok(!(await feedOf(t, people.ben)).includes(written), "the policies here say so at once");
  await app.query("delete from public.posts where id = $1", [written]);
  await until(async () => (await job()).rowCount === 0);
  const { rowCount } = await recommender.pool.query(
    "select from recsys.erasures where kind = 'post' and entity_id = $1",
    [written],
  );
  assert.equal(rowCount, 1);
});

test("a column that the recommender's table lacks stops the subscription, and goes on when it is there", {
  skip,
}, async () => {
  await app.query("alter table public.posts add column mood text");
  await app.query("update public.posts set mood = 'calm' where id = $1", [post(2)]);
  await setTimeout(1000);
  await app.query("insert into public.logins (user_id) values ($1)", [people.eve]);
  await setTimeout(1000);
  const logins = "select from public.logins where user_id = $1";
  assert.equal((await recommender.pool.query(logins, [people.eve])).rowCount, 0, "DDL does not come along");
  await recommender.pool.query("alter table public.posts add column mood text");
  await arrives(logins, people.eve);
});

/** The ids of a reader's feed, as the functions of the recommender's project return it. */
async function feedOf(t: { after(clean: () => Promise<void>): void }, reader: string): Promise<string[]> {
  const recommend = testApp(t, recommender.url);
  const headers = { authorization: `Bearer ${reader}` };
  const response = await recommend.request("/recommend", { method: "POST", headers, body: '{"limit":50}' });
  const feed = (await response.json()) as { items: { post_id: string }[] };
  assert.equal(response.status, 200, JSON.stringify(feed));
  await recommend.settled();
  return feed.items.map(({ post_id }) => post_id);
}

const stateOf = (n: number) =>
  recommender.pool.query("select votes from recsys_engine.latest_post_stats where post_id = $1", [post(n)]);

async function arrives(sql: string, ...values: string[]): Promise<void> {
  await until(async () => Number((await recommender.pool.query(sql, values)).rowCount) > 0);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await isSo()); await setTimeout(50))
    assert.ok(Date.now() < end, "it did not come in 30 s");
}

async function opened(cluster: Cluster): Promise<Database> {
  const database = await connect(`${cluster.url}?sslmode=disable`, { embedded: false });
  after(() => database.close());
  await database.pool.query("alter database postgres set jit = off");
  return database;
}

/** A project of the app: its tables, and nothing of the recommender. */
async function logical(cluster: Cluster): Promise<Database> {
  const first = await connect(`${cluster.url}?sslmode=disable`, { embedded: false });
  await first.pool.query("alter system set wal_level = logical");
  await first.close();
  await cluster.stop();
  await cluster.start();
  const database = await opened(cluster);
  await migrate(database, { migrations: (await readMigrations()).filter(({ name }) => ofTheApp(name)) });
  const { rowCount } = await database.pool.query("select from pg_namespace where nspname = 'recsys'");
  assert.equal(rowCount, 0);
  return database;
}

/** As fillCommunity does, but for what is the recommender's. */
async function fillApp(app: pg.Pool): Promise<void> {
  await app.query(
    "insert into public.profiles (id, created_at) select unnest($1::uuid[]), now() - interval '90 days'",
    [Object.values(people)],
  );
  await app.query(
    `insert into public.posts (id, author_id, title, visibility, created_at)
     select unnest($1::uuid[]), $2, 'Post', 'public', now() - interval '1 day'`,
    [Array.from({ length: 30 }, (_, i) => post(i + 1)), people.author],
  );
  await app.query(
    "insert into public.posts (id, author_id, title, visibility) values ($1, $2, 'A secret', 'private')",
    [privatePost, people.author],
  );
  await app.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [people.ada, post(28)]);
}

/**
 * Follows docs/adding-a-setting.md, -head.md, -source.md and -feature.md in a copy of the code, change by change: what they say to write works, and
 * what is forgotten is named. One copy has the changes of all: its migrations run once, and its types are checked once.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { runProgram } from "../db/testing-program.ts";
import { workedExamples } from "./testing-worked-examples.ts";

const names = ["setting", "head", "source", "feature"].map((what) => `docs/adding-a-${what}.md`);
const { copy, pages, fileOf, apply, follow, generate, run, assertTyped } = await workedExamples({ after }, names);
const [setting, head, source, feature] = pages;
/** What is said of a feature that nothing fills. */
const documented = /^recsys: (the feature .*)$/m.exec(feature.text)?.[1];

/** Feeds of one person: as the setting is by default, changed for everybody, and by a variant; what a wrong value is told; and what a visitor may read. */
const readsSetting = `
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { clear, fillCommunity, people } from "../testing/community.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";

const database = await openEmbeddedCopy();
const { pool } = database;
const cleanings = [() => database.close()];
try {
  await clear(pool);
  await fillCommunity(pool);
  const app = testApp({ after: (clean) => cleanings.unshift(clean) }, database.url);
  const share = async () => {
    const { status, body } = await app.call(people.ada, { limit: 20 });
    const scores = body.items.map(({ score }) => score);
    const shares = scores.map((score) => score / Math.max(...scores)).sort((a, b) => b - a);
    return { status, shares };
  };
  const feeds = { plain: await share() };
  const between = (place) => (feeds.plain.shares[place] + feeds.plain.shares[place + 1]) / 2;
  await pool.query("update recsys.settings set least_share = $1", [between(9)]);
  feeds.changed = await share();
  const start = (value) => pool.query("select recsys.start_experiment('pages', $1)", [JSON.stringify([
    { name: "short", share: 0.9999, settings: { least_share: value } }, { name: "control", share: 0.0001 },
  ])]);
  const refused = await start(2).then(() => null, (error) => error.message);
  await start(between(4));
  await pool.query("update recsys.experiment_variants set buckets = case place when 1 then '{[0,10000)}'::int4multirange else '{}' end");
  feeds.variant = await share();
  const { rows } = await pool.query("select has_column_privilege('anon', 'recsys.settings', 'least_share', 'select') as visitor");
  console.log(JSON.stringify({ feeds, refused, ...rows[0], logged: app.logged.map(String) }));
} finally {
  for (const clean of cleanings) await clean();
}`;

test("two files make a setting: it changes a feed, and a variant overrides it within its checks", async () => {
  assert.equal(new Set(setting.blocks.map(fileOf)).size, 2);
  await follow(setting);
  const { feeds, refused, visitor, logged } = (await run(readsSetting)) as {
    feeds: Record<"plain" | "changed" | "variant", { status: number; shares: number[] }>;
    refused: string;
    visitor: boolean;
    logged: string[];
  };
  const { plain, changed, variant } = feeds;
  assert.deepEqual([plain.status, changed.status, variant.status, logged], [200, 200, 200, []]);
  const lengths = [plain, changed, variant].map(({ shares }) => shares.length);
  assert.deepEqual(lengths, [20, 10, 5], JSON.stringify(feeds));
  assert.ok(setting.text.includes(refused), refused);
  assert.ok(visitor);
});

/** A small community with posts without interactions; the source by all ways, and by the replay. */
const bringsSource = `
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { createGlobalCandidatesCache } from "../supabase/functions/_shared/recommend/sources/global-candidates.ts";
import { emptyServedState } from "../supabase/functions/_shared/recommend/request/cursor.ts";
import { retrieve } from "../supabase/functions/_shared/recommend/sources/retrieve.ts";
import { fillManyPosts } from "../supabase/functions/recommend/testing-many-posts.ts";
import { communityFromDatabase } from "./data/replay/from-database.ts";
import { instantAfter, unitVectors, assertAgrees } from "./data/replay/testing.ts";
import { Random } from "./models/nn/random.ts";

const database = await openEmbeddedCopy();
try {
  const { people } = await fillManyPosts(database.pool);
  // the replay ends its walk to what is trending at a post that was created after its last interaction
  for (const table of ["post_views", "comments"])
    await database.pool.query("delete from public." + table + " as acts using public.posts where posts.id = acts.post_id and acts.created_at < posts.created_at");
  await database.pool.query("select recsys.roll_up(null)");
  const loaded = await communityFromDatabase(database);
  const random = new Random(1);
  const vectors = unitVectors(random, loaded.community.posts.ids.length);
  const instant = await instantAfter(database, loaded, vectors, loaded.timeline.length);
  const vector = unitVectors(random, 1);
  const replayed = await assertAgrees(instant, loaded.community.users.ids.indexOf(people[0]), vector);
  const client = await database.pool.connect();
  const { modelId } = instant;
  const caller = { sub: people[0], role: "postgres" };
  await client.query("begin; set local enable_indexscan = off");
  const common = await createGlobalCandidatesCache().of(client, caller.role, 1, Date.now());
  const asked = { modelId, vector, page: { served: emptyServedState() } };
  const ways = {
    replayed,
    common: await retrieve(client, caller, { ...asked, common }),
    all: await retrieve(client, caller, { ...asked, common: null }),
    filtered: await retrieve(client, caller, { ...asked, page: { ...asked.page, filter: { max_age_days: 1000 } }, common: null }),
  };
  const { rows } = await client.query("select source, count(*)::integer from recsys_engine.global_sources(recsys_engine.feed_request($1, now()), 'all') group by source", [people[0]]);
  await client.query("rollback");
  client.release();
  const bySource = (found) => (found.posts ?? found).flatMap(({ ranks }) => ranks.untouched ?? []).sort((a, b) => a - b);
  console.log(JSON.stringify({ ...Object.fromEntries(Object.entries(ways).map(([name, found]) => [name, found && bySource(found)])), unlimited: rows.find(({ source }) => source === "untouched")?.count }));
} finally {
  await database.close();
}`;

test("two files make a source, and every way to candidates has it", async () => {
  assert.equal(new Set(source.blocks.map(fileOf)).size, 2);
  await follow(source);
  await generate("db");
  const { unlimited, ...ways } = (await run(bringsSource)) as { unlimited: number } & Record<string, number[]>;
  assert.ok(unlimited > 30, `${unlimited} posts that no user interacted with`);
  const ranks = Array.from({ length: 30 }, (_, i) => i + 1);
  for (const [way, found] of Object.entries(ways)) assert.deepEqual(found, ranks, way);
});

const imports = `
import { featureNames } from "../supabase/functions/_shared/features/feature-names.ts";
import { featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { postFeatures, emptyPostState, rankerFeatures } from "../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { assertFilled } from "./models/ranker/examples.ts";
const user = { created_at: 0, last_active_at: null, views: 0, votes: 0, comments: 0, logins: 0, recent: [], recent_logins: [], habit_log_age: null, habit_log_idle: null, follows: 0, recent_interactions: [], history: [] };
const post = { title: "Two words", tags: [], author_id: null, created_at: 0, state: emptyPostState, embedding: null, similarity: 0, ranks: {}, author_affinity: 0, follows_author: false, touches: 0 };
const features = rankerFeatures(user, [post], 3_600_000);
`;
const described = `${imports}
assertFilled(features);
const at = postFeatures.indexOf("log_title_words");
console.log(JSON.stringify({ digest: await featureSpecDigest(), width: contracts.dlrm.inputs.post_features.dims[1], names: featureNames.length, value: features.posts[at] ?? null }));`;

test("a line is enough: its value, the graph's width, the watch over it and the digest follow", async () => {
  const before = (await run(described)) as Record<string, number>;
  assert.equal(before.value, null);
  await apply(feature.blocks[0]);
  const now = (await run(described)) as Record<string, number>;
  assert.deepEqual(
    { ...now, digest: now.digest !== before.digest },
    { digest: true, width: before.width + 1, names: before.names + 1, value: Math.fround(Math.log1p(2)) },
  );
});

test("the ranker's graph answers as its network does with one feature more", async () => {
  const { status, stderr, stdout } = await runProgram(join(copy, "trainer/artifacts/onnx/dlrm.test.ts"), []);
  assert.equal(status, 0, stderr + stdout);
  assert.ok(stdout.length > 0, "it ran");
});

/**
 * Trains on pages of which everybody read half of the posts twice, publishes, and asks for feeds: of a head with two weights, of a feature plain and with
 * a filter; or the error.
 */
const trainedAndServed = `
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { parseConfig } from "./training/config/config.ts";
import { readModelFolder } from "./artifacts/model-folder/model-folder.ts";
import { publish } from "./release/publish/publish.ts";
import { fillSmallCommunity } from "./testing.ts";
import { trainIntoFolder } from "./train-into-folder.ts";

const database = await openEmbeddedCopy();
const { pool } = database;
const cleanings = [() => database.close()];
try {
  await fillSmallCommunity(database);
  await pool.query(\`
    delete from recsys.impressions;
    insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score)
    select md5('page ' || users.user_id)::uuid, users.user_id, posts.post_id, posts.position, recsys.clock() - interval '4 days', 1
    from recsys.source_users as users
    cross join lateral (
      select posts.post_id, row_number() over (order by md5(users.user_id::text || posts.post_id::text)) as position
      from recsys.source_posts as posts
      where posts.author_id <> users.user_id and posts.created_at < recsys.clock() - interval '5 days'
        and not exists (select from recsys.source_interactions as acts where acts.user_id = users.user_id and acts.post_id = posts.post_id)
      limit 8
    ) as posts\`);
  await pool.query(\`
    insert into public.post_views (user_id, post_id, created_at)
    select user_id, post_id, shown_at + hours * interval '1 hour' from recsys.impressions, generate_series(1, 2) as hours
    where request_id = md5('page ' || user_id)::uuid and position % 2 = 0\`);
  const config = parseConfig({ towers: { epochsOf: { before: 1 } }, ranker: { epochs: 1, rows: 24, hardNegatives: 12, enoughPages: 20, interactionsPerRequest: 1 } }).config;
  const context = { database, onProgress() {}, signal: new AbortController().signal, print() {} };
  const path = await trainIntoFolder(context, { seed: 1, config, out: process.argv[2], parent: "." });
  const folder = await readModelFolder(path);
  await publish(database, folder, { activate: true });
  const app = testApp({ after: (clean) => cleanings.unshift(clean) }, database.url);
  const { rows: [{ user_id }] } = await pool.query("select user_id from recsys.source_users order by created_at limit 1");
  const ask = async (body) => {
    const { status, body: feed } = await app.call(user_id, body);
    await app.settled();
    return { status, feed };
  };
  const weighed = [];
  for (const weight of [0, 7]) {
    await pool.query("update recsys.settings set reread_weight = $1", [weight]);
    const { status, feed } = await ask({ limit: 5 });
    const { rows } = await pool.query("select optional_probabilities ->> 'reread' as reread from recsys.impressions where request_id = $1 order by position", [feed.request_id]);
    weighed.push({ weight, status, items: feed.items.map(({ score, predictions }) => ({ score, predictions })), log: rows.map(({ reread }) => Number(reread)) });
  }
  const { rows: [model] } = await pool.query("select heads from recsys.models where status = 'active'");
  const { rows: [reported] } = await pool.query("select recsys_engine.acts_of('reread') as acts");
  const told = [];
  for (const body of [{ limit: 20 }, { limit: 20, filter: { max_age_days: 1000 } }]) {
    const { status, feed } = await ask(body);
    const { rows } = await pool.query(
      "select impressed.value, ln(1 + (select count(distinct (user_id, kind)) - count(distinct user_id) from recsys.source_interactions as came where came.post_id = posts.id and user_id is distinct from author_id)) as expected from recsys_engine.impression_features as impressed join public.posts on posts.id = impressed.post_id where impressed.request_id = $1 and impressed.feature = 'log_returns'",
      [feed.request_id],
    );
    told.push({ status, items: feed.items.length, rows });
  }
  console.log(JSON.stringify({ trained: folder.heads, published: model.heads, weighed, ...reported, told }));
} catch (error) {
  console.log(JSON.stringify(error.message));
} finally {
  for (const clean of cleanings) await clean();
}`;

interface Trained {
  trained: string[];
  published: string[];
  weighed: {
    weight: number;
    status: number;
    items: { score: number; predictions: Record<string, number> }[];
    log: number[];
  }[];
  acts: string;
  told: { status: number; items: number; rows: Record<string, number>[] }[];
}

const formula = "log_returns";

test("a formula of what nothing fills is named at once", async () => {
  const [missing] = feature.blocks.filter((block) => block.includes(formula));
  const broken = missing.replace("logOf(state.returns)", "logOf((state as never as { returns: number }).replies)");
  await apply(broken);
  assert.equal(`${await run(trainedAndServed)}`, documented);
  await apply(broken.replace(/^([+])(.*)$/m, "-$2"));
});

let served: Trained;

test("three files make a head: it is trained where pages hold enough of it, published, served, weighed and logged", async () => {
  assert.equal(new Set(head.blocks.map(fileOf)).size, 3);
  await follow(head);
  // a training learns the column of the next test as well
  await follow(feature);
  const answer = await run(trainedAndServed);
  assert.equal(typeof answer, "object", `${answer}`);
  served = answer as Trained;
  const { trained, published, weighed, acts } = served;
  assert.deepEqual(trained, ["view", "vote", "comment", "reread"]);
  assert.deepEqual(published, trained);
  assert.equal(weighed.length, 2);
  for (const { weight, status, items, log } of weighed) {
    assert.deepEqual([status, items.length, log.length], [200, 5, 5]);
    for (const [i, { score, predictions }] of items.entries()) {
      const { view, vote, comment, reread } = predictions;
      assert.ok(reread > 0 && reread < 1);
      assert.ok(Math.abs(score - (0.2 * view + vote + comment + weight * reread)) < 1e-5);
      assert.ok(Math.abs(log[i] - reread) < 1e-6);
    }
  }
  assert.equal(acts, "rereads");
});

test("a new column of a state goes from four files through a training into what a feed tells the ranker, and into the exposure log", () => {
  assert.equal(new Set(feature.blocks.slice(1).map(fileOf)).size, 4);
  assert.equal(served.told.length, 2);
  for (const { status, items, rows } of served.told) {
    assert.equal(status, 200);
    assert.ok(items > 0 && rows.length === items, `${rows.length} of ${items}`);
    for (const { value, expected } of rows) assert.ok(Math.abs(value - expected) < 1e-6, `${value}, not ${expected}`);
    assert.ok(new Set(rows.map(({ value }) => value)).size > 1, "posts differ in it");
  }
});

test("what the page asks for is there as its query says it", async () => {
  const [, query] = /```sql\n(.*?)```/s.exec(feature.text) ?? assert.fail("a query");
  const message = await run(`
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
const database = await openEmbeddedCopy();
const { fields } = await database.pool.query(${JSON.stringify(query)});
await database.close();
console.log(JSON.stringify(fields.map(({ name }) => name)));`);
  assert.deepEqual(message, ["post_id", "value"]);
});

test("with every change of the pages made, and the types generated, the types fit", assertTyped);

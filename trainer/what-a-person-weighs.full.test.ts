/**
 * What accounts that keep to the rate limits can do to the feeds of others: the share of places among the first 20 that change. SOAK sets for how
 * many people the community is made: 60 by default, 400 in `npm run test:soak`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { importBundle } from "../db/import/import-bundle.ts";
import { eitherDatabase } from "../db/testing.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { embedAll } from "../testing/embed.ts";
import { readModelFolder } from "./artifacts/model-folder/model-folder.ts";
import { writeSyntheticCommunity } from "./data/synthetic/write-synthetic-community.ts";
import { estimate } from "./evaluation/metrics/statistics.ts";
import { publish } from "./release/publish/publish.ts";
import { temporaryFolder } from "./testing.ts";
import {
  actOnEachOther,
  actOnOwn,
  another,
  commentedByPuppets,
  copies,
  inAMinute,
  isTheirs,
  likeablePosts,
  mostOf,
  newIds,
  ownPosts,
  pages,
  puppetsAreNew,
  signedUpLongAgo,
  stuffed,
  tenOld,
  threeHoursAgo,
  viewLastDay,
  viewOwnShare,
  views,
  viewsOn,
  yesterday,
} from "./testing-attacks.ts";
import { trainIntoFolder } from "./train-into-folder.ts";
import { defaultConfig } from "./training/config/config.ts";
import { quickConfig } from "./training/config/testing.ts";

const people = Number(process.env.SOAK ?? 60);
const database = await eitherDatabase({ after }, "weighs");
const { pool } = database;
/** Trained with seeds 1, 2 and 3; the first of them serves. */
const models: number[] = [];
const [everybody, honest]: [string[], string[]] = [[], []];

before(async () => {
  const folder = await temporaryFolder({ after });
  await writeSyntheticCommunity(folder, { seed: 3, users: people, posts: 4 * people, days: 30 });
  await importBundle(database, folder);
  // attacks are dated by the engine's clock: by the machine's they lay months ahead of the community's end, in no feed, and changed nothing.
  // What begins while it is measured would change feeds by itself, a post that appears or an hour of the day: so it is five past.
  await pool.query(
    `update recsys.settings set clock_shift = now() - date_trunc('hour', recsys.clock()) - interval '65 minutes';
     delete from public.posts where created_at > recsys.clock();
     select recsys.roll_up(null)`,
  );
  const config = people > 60 ? defaultConfig : quickConfig;
  // of three seeds one may be worse than another
  await pool.query("update recsys.settings set gate_margin = 1");
  const context = { database, onProgress() {}, signal: new AbortController().signal, print() {} };
  const parent = await temporaryFolder({ after });
  const train = async (seed: number) => await readModelFolder(await trainIntoFolder(context, { seed, config, parent }));
  for (const seed of [3, 2, 1]) models.unshift(await publish(database, await train(seed), { activate: seed === 1 }));
  // a place that is drawn by lot would change by itself
  await pool.query("update recsys.settings set trial_place = 0");
  const { rows } = await pool.query("select user_id from recsys.source_users order by user_id");
  everybody.push(...rows.map(({ user_id }) => user_id));
  honest.push(...everybody.slice(0, 60));
});

const activate = (model: number) => pool.query("select recsys.activate_model($1)", [model]);

type Scope = Parameters<typeof testApp>[0];

/** The first 20 posts of the feeds of people, honest ones if it is not said whose. */
async function feeds(t: Scope, readers = honest): Promise<Set<string>[]> {
  await pool.query("select recsys.roll_up(null)");
  await embedAll(database);
  const app = testApp(t, database.url);
  const all: Set<string>[] = [];
  for (const person of readers) {
    let { status, body } = await app.call(person, { limit: 20 });
    // what a busy machine does not rank is asked for again
    for (let tries = 0; tries < 20 && (status !== 200 || body.degraded !== null); tries++) {
      await setTimeout(500);
      ({ status, body } = await app.call(person, { limit: 20 }));
    }
    assert.deepEqual([status, body.degraded], [200, null], JSON.stringify(body).slice(0, 300));
    all.push(new Set(body.items.map((item) => item.post_id)));
  }
  await app.settled();
  // what they were shown is not what is measured
  await pool.query("truncate recsys.impressions");
  return all;
}

/** The share of places whose post is one that is asked for. */
function shareOf(feeds: Set<string>[], is: (post: string, feed: number) => boolean): number {
  const places = feeds.reduce((sum, feed) => sum + feed.size, 0);
  return feeds.reduce((sum, feed, i) => sum + [...feed].filter((post) => is(post, i)).length, 0) / places;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} % of places`;

/** Honest people's feeds without an attack. */
let base: Set<string>[] | undefined;
/** They have been there for two days and did nothing, which changes no feed. */
const nothing = "";

/**
 * Which share of places an attack by some new accounts changes, after what they may do, and which they have and had themselves; nothing of it stays.
 * `readers`: whose feeds; honest people's if it is not said.
 */
async function effectOf(scope: Scope, accounts: number, attack: string, prepare?: string, readers?: string[]) {
  const ids = newIds(accounts);
  const run = (sql: string) =>
    pool.query(sql.replaceAll("$accounts", `unnest('{${ids}}'::uuid[]) with ordinality as account (id, number)`));
  try {
    if (!prepare) base ??= await feeds(scope);
    // newcomers have few places: an account that acts with its own posts is two days old
    const since = `recsys.clock() - interval '${prepare === undefined ? "20 minutes" : "2 days"}'`;
    await run(`insert into public.profiles (id, created_at) select account.id, ${since} from $accounts`);
    if (prepare) await run(prepare);
    const before = prepare ? await feeds(scope, readers) : (base as Set<string>[]);
    await run(attack);
    const now = await feeds(scope, readers);
    const { rows } = await pool.query("select id from public.posts where author_id = any ($1)", [ids]);
    const theirs = new Set(rows.map(({ id }) => id));
    const isTheirs = (post: string) => theirs.has(post);
    const changed = shareOf(now, (post, i) => !before[i].has(post));
    const first = now.filter((feed) => isTheirs([...feed][0])).length;
    return { changed, own: shareOf(now, isTheirs), had: shareOf(before, isTheirs), first };
  } finally {
    await pool.query("delete from public.posts where author_id = any ($1)", [ids]);
    await pool.query("delete from public.profiles where id = any ($1)", [ids]);
    await pool.query("select recsys_engine.find_circles(), recsys.roll_up(null)");
  }
}

const written = (count: number) => `begin; ${ownPosts(count)}; commit`;

/** A post of others that is not new. */
const oldPost =
  "(select id from public.posts where created_at < recsys.clock() - interval '10 days' and author_id is not null order by md5(id::text) limit 1) as old";
const view = (from: number, to: number) =>
  `insert into public.post_views (user_id, post_id, created_at)
   select account.id, old.id, recsys.clock() - n * interval '0.1 second' from $accounts, ${oldPost}, generate_series(${from}, ${to}) as n`;

test("whatever authors do with their own posts changes no place", async (t) => {
  const attack = ["post_views", "post_votes", "comments"].map(actOnOwn).join(";");
  const { changed } = await effectOf(t, 10, attack, written(4));
  // by themselves one place of 1,200 changes within a minute, and two on a busy machine
  assert.ok(changed <= 0.0025, percent(changed));
});

test("a thousand views of a post change no more than the first of them", async (t) => {
  const { changed } = await effectOf(t, 1, view(2, 1000), view(1, 1));
  assert.equal(changed, 0);
});

test("nine new accounts that view an old post change no more than the first of them", async (t) => {
  const view = (accounts: string) => `insert into public.post_views (user_id, post_id, created_at)
    select account.id, old.id, recsys.clock() - account.number * interval '1 second' from $accounts, ${oldPost} where ${accounts}`;
  const { changed } = await effectOf(t, 9, view("number < 9"), view("number = 9"));
  t.diagnostic(percent(changed));
  assert.ok(changed <= 0.0025, percent(changed));
});

for (const [name, accounts, posts, bound] of [
  ["an account that writes a post changes", 1, 1, 0.02],
  ["an account that writes 1,000 posts changes", 1, 1000, 0.02],
  ["ten accounts that write 100 posts each change", 10, 100, 0.05],
] as const)
  test(`${name} at most ${100 * bound} % of places`, async (t) => {
    const { changed, own } = await effectOf(t, accounts, written(posts));
    t.diagnostic(`${percent(changed)}, of which they have ${percent(own)}`);
    assert.ok(changed <= bound, percent(changed));
  });

test("an account that writes 1,000 posts has a tenth of the places for trials, as chance has it", async (t) => {
  // the feeds above ended most trials
  await pool.query(
    `truncate recsys_engine.exploration_stats, recsys_engine.exploration_impressions; update recsys.settings set trial_place = 5;
     update recsys_engine.usual_newcomers set share = 0, counted_at = recsys.clock()`,
  );
  t.after(() => pool.query("update recsys.settings set trial_place = 0; truncate recsys_engine.usual_newcomers"));
  const { own } = await effectOf(t, 1, written(1000));
  t.diagnostic(`${percent(own)}, one of 20 is for a trial`);
  // of 60 feeds so many in one case of 100,000
  assert.ok(own <= (1 / 20) * (18 / 60) + 1e-9, percent(own));
});

// without bounds on authors whom few known people met 200 had 10.0 % and were first in 56 of 60 feeds, 20 had 7.4 % and were first in 22
for (const posts of [1, 4, 5, 20, 200])
  test(`an account of two days that writes ${posts} posts which say what most people interacted with has 5 % of the places, and is first in 3 of 60 feeds at most`, async (t) => {
    const { own, first } = await effectOf(t, 1, likeablePosts(posts), nothing);
    t.diagnostic(`${percent(own)}, first in ${first} feeds`);
    assert.ok(own <= 0.05 && first <= 3, `${percent(own)}, first in ${first} feeds`);
  });

// without those bounds ten with four posts each had 15 to 17 %
test("ten accounts of two days gain at most half again by writing 4 or 20 such posts instead of one", async (t) => {
  const honest = await effectOf(t, 10, likeablePosts(1), nothing);
  t.diagnostic(`a post each: ${percent(honest.own)}, first in ${honest.first} feeds`);
  for (const posts of [4, 20]) {
    const { own, first } = await effectOf(t, 10, likeablePosts(posts), nothing);
    t.diagnostic(`${posts} posts each: ${percent(own)}, first in ${first} feeds`);
    assert.ok(own <= 1.5 * honest.own && first <= 3, `${posts} posts each: ${percent(own)}, first in ${first} feeds`);
  }
});

// Whatever new accounts view, one old post counts in half an hour, and three in three hours. A post that everybody ranks high takes one place of 20 in
// each feed, as it does after the click of an established reader (3.1 to 4.8 % of places for one of eight posts); so the bound is 5 % and not 2.
for (const [name, accounts, attack, prepare, places] of [
  ["ten new accounts that view all posts of the last day change", 10, viewLastDay, undefined, 1],
  ["an account of two days that views 420 old posts changes", 1, viewOwnShare(420), nothing, 1],
  ["ten new accounts that view 42 old posts each change", 10, viewOwnShare(42), undefined, 1],
  ["ten accounts of two days that view 2 old posts each change", 10, viewOwnShare(2), nothing, 1],
  ["ten that view an old post every 31 minutes change", 10, viewOwnShare(1, "31 minutes"), nothing, 3],
] as const)
  test(`${name} at most ${places} of 20 places`, async (t) => {
    const { changed, own } = await effectOf(t, accounts, attack, prepare);
    t.diagnostic(percent(changed));
    assert.equal(own, 0);
    assert.ok(changed <= places / 20, percent(changed));
  });

const findCircles = "select recsys_engine.find_circles()";

test("who copies what stands in most feeds takes nothing off them, and brings nothing back", async (t) => {
  for (const [what, accounts, posts, more, bound] of [
    ["two posts in most feeds, copied by one", 1, () => mostOf(base as Set<string>[], 2), "", 0.02],
    ["ten in most feeds, copied by ten", 10, () => mostOf(base as Set<string>[], 10), "", 0.05],
    ["the same, and all view all copies", 10, () => mostOf(base as Set<string>[], 10), actOnEachOther(1), 0.05],
    // accounts without interactions have 50 % of the places with a post each, copied or not, as ten honest authors
    // have
    ["ten old posts, copied by ten of a circle", 10, () => tenOld, `${actOnEachOther(1)}; ${findCircles}`, 0.05],
  ] as const) {
    base ??= await feeds(t);
    const { changed, own } = await effectOf(t, accounts, `${copies(posts())}; ${more}`, nothing);
    t.diagnostic(`${what}: ${percent(changed)}, of which they have ${percent(own)}`);
    assert.ok(changed <= bound, `${what}: ${percent(changed)}`);
  }
});

test("an account that dates views back is no more known for it: as one that did nothing before, at most 1 of 20 places", async (t) => {
  for (const [days, posts] of [
    [1, 420],
    [28, 141],
  ]) {
    const { changed } = await effectOf(t, 1, `${viewsOn(days)}; ${viewOwnShare(posts)}`, signedUpLongAgo);
    t.diagnostic(`${days} days: ${percent(changed)}`);
    assert.ok(changed <= 0.05, percent(changed));
  }
});

// authors without interactions have 50 % of the places with a post each, and all with four; with acts it was the
// same before they were a circle among 400 people 40 posts move those next to them in the sources: 6.3 % change, 1.4
// % are theirs
for (const [posts, bound] of [
  [1, 0.05],
  [4, people > 60 ? 0.08 : 0.05],
] as const)
  test(`ten accounts of two days that write ${posts} each and interact with each other's alone have one of 20 places`, async (t) => {
    const { changed, own } = await effectOf(
      t,
      10,
      `${written(posts)}; ${actOnEachOther(posts)}; ${findCircles}`,
      nothing,
    );
    t.diagnostic(`${percent(changed)}, of which they have ${percent(own)}`);
    assert.ok(own > 0 && own <= 1 / 20 && changed <= bound, percent(changed));
  });

test("one of them who interacts with a post of others frees none but themselves", async (t) => {
  const outside = view(1, 1).replace("from $accounts,", "from (select * from $accounts limit 1) as account,");
  const { own } = await effectOf(t, 10, `${written(1)}; ${actOnEachOther(1)}; ${outside}; ${findCircles}`, nothing);
  t.diagnostic(percent(own));
  // a place for all of the circle, and one for the post of who interacted with others
  assert.ok(own <= 2 / 20, percent(own));
});

test("to each other they are not fewer: a closed organisation loses nothing", async (t) => {
  const organisation = `${written(4)}; ${actOnEachOther(1)}; ${threeHoursAgo}`;
  const { changed, own } = await effectOf(t, 10, findCircles, organisation, newIds(10));
  t.diagnostic(`${percent(changed)}, of which they have ${percent(own)}`);
  // among 60 people that is more than a circle has for others; of 200 places one may change by itself
  assert.ok(own > (people > 60 ? 0 : 0.2) && changed <= 1 / 200, percent(changed));
});

/** And half of the honest people view and vote for a post within ten hours, or the given people. */
const goesViral = (post: string, by = honest.filter((_, i) => i % 2 === 0)) =>
  ["post_views", "post_votes"]
    .map(
      (table) => `insert into public.${table} (user_id, post_id, created_at)
       select reader.id, posts.id, posts.created_at + reader.n * interval '10 hours' / ${by.length}
       from public.posts cross join unnest('{${by}}'::uuid[]) with ordinality as reader (id, n) where ${post}`,
    )
    .join(";");
// 30 readers in the short form: with 12, two swaps of a last place are 0.8 % of 240 places
const readers = (whoDidNotCome = false) =>
  honest.filter((_, i) => !whoDidNotCome || i % 2 === 1).slice(0, people > 60 ? 60 : 30);

// in 400 people's community a post that says something else changes 0.2 to 0.4 %, for any text; in 60 people's,
// trained for one epoch, three seeds had 0, 1.7 and 2.3 %
for (const [name, accounts, attack, prepare, bound] of [
  ["all titles and texts and the 100 most frequent tags in a post", 1, stuffed, yesterday, people > 60 ? 0.008 : 0.03],
  // it had 2.1 % of 60 people's places before, and one of 20 afterwards, as long as new people moved a post of
  // authors without a known reader
  [
    "comments of nine new accounts on a post of yesterday",
    10,
    commentedByPuppets,
    `${yesterday};${puppetsAreNew}`,
    0.028,
  ],
] as const)
  test(`${name} change at most ${(100 * bound).toFixed(1)} % of places, over three models`, async (t) => {
    t.after(() => activate(models[0]));
    const shares: number[] = [];
    for (const model of models) {
      await activate(model);
      shares.push((await effectOf(t, accounts, attack, prepare, readers())).changed);
    }
    const { mean, error } = estimate(shares);
    const said = `${shares.map(percent).join(", ")}: ${percent(mean)} ± ${percent(error)}`;
    t.diagnostic(said);
    assert.ok(mean <= bound, said);
  });

// readers who interacted with it have another history then: of 30 of 400 people's 21 % change. Of others' 0.5 %, and 2.7 %
// when posts had ID embeddings: docs/research/experiments.md
test("another text of a post after it went viral changes little for who did not interact with it", async (t) => {
  const { changed, own, had } = await effectOf(t, 1, another, `${yesterday};${goesViral(isTheirs)}`, readers(true));
  t.diagnostic(`${percent(changed)}; it has ${percent(own)}, and had ${percent(had)}`);
  assert.ok(had > 0 && changed <= (people > 60 ? 0.015 : 0.007), percent(changed));
});

test("a post that says what another says has no more places when that one goes viral", async (t) => {
  const original = "00000000-0000-4000-8000-999999999999";
  t.after(() => pool.query("delete from public.posts where id = $1", [original]));
  const written = `insert into public.posts (id, title, description, tags, created_at)
    select '${original}', 'Once more: ' || title, description, tags, created_at - interval '1 hour' from public.posts where ${isTheirs}`;
  // where 30 of 400 came, it was on later pages alone, and nothing changed that could have gone to the other
  const others = everybody.filter((person) => !readers(true).includes(person));
  const attack = goesViral(`posts.id = '${original}'`, others);
  const { changed, own, had } = await effectOf(t, 1, attack, `${yesterday};${written}`, readers(true));
  t.diagnostic(`${percent(changed)}; it has ${percent(own)}, and had ${percent(had)}`);
  assert.ok(changed > 0 && own <= had, percent(own));
});

/** Feeds of honest people, one after the other, as long as something goes on, and 60 at least: how long half of them took, and 95 %, in ms. */
async function waits(app: ReturnType<typeof testApp>, meanwhile: Promise<unknown> = Promise.resolve()) {
  let isOver = false;
  const over = meanwhile.finally(() => {
    isOver = true;
  });
  const times: number[] = [];
  while (!isOver || times.length < 60) {
    const began = performance.now();
    const { status } = await app.call(honest[times.length % honest.length], { limit: 20 });
    assert.equal(status, 200);
    times.push(performance.now() - began);
    await setTimeout(50);
  }
  await over;
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)], most: times[Math.floor(times.length * 0.95)] };
}

// in test:soak alone: on a busy machine a time says nothing
const timed = [
  ["one account views 500,000 times", 1000, views],
  ["ten are shown 12,000 pages and act on each", 600, pages],
] as const;
for (const [name, statements, attack] of people > 60 ? timed : [])
  test(`while ${name}, and after it, nobody waits 1.5 times as long`, async (t) => {
    const app = testApp(t, database.url);
    try {
      await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [newIds(10)]);
      await waits(app);
      const calm = await waits(app);
      const during = await waits(app, inAMinute(pool, statements, attack));
      await pool.query("select recsys.roll_up()");
      const after = await waits(app);
      const said = [calm, during, after].map(({ median, most }) => `${median.toFixed(0)} (95 %: ${most.toFixed(0)})`);
      t.diagnostic(`before, meanwhile and afterwards ${said.join(", ")} ms`);
      assert.ok(Math.max(during.median, after.median) <= 1.5 * calm.median, said.join(", "));
    } finally {
      await pool.query("delete from public.profiles where id = any ($1)", [newIds(10)]);
      await pool.query("select recsys.erase(), recsys.roll_up(null)");
    }
  });

/** The count of trials: concurrent writers, late acts, old posts, and what one person can do to it. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { openPool } from "../supabase/functions/_shared/database/pool.ts";
import { emptyDescription } from "../supabase/functions/_shared/recommend/hydration/describe-items.ts";
import {
  createImpressionLogger,
  type LoggedFeed,
} from "../supabase/functions/_shared/recommend/logging/impression-logger.ts";
import { createExplorationStatsCache } from "../supabase/functions/_shared/recommend/selection/exploration-stats.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { testDatabase, withOneSession } from "./testing.ts";

const oneSession = await withOneSession();

const { pool, url } = await testDatabase({ after }, "trial_counts");
const id = (letter: string, n: number) => `${letter.padStart(8, "0")}-0000-4000-8000-${String(n).padStart(12, "0")}`;
const person = (n: number) => id("a", n);
const post = (n: number) => id("b", n);
const posts = Array.from({ length: 20 }, (_, i) => post(i));

beforeEach(async () => {
  await pool.query(
    "truncate public.profiles, public.posts, recsys_engine.exploration_stats, recsys_engine.exploration_impressions, recsys.impressions cascade",
  );
  await pool.query(
    "insert into public.profiles (id) select ('0000000a-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(0, 199) as n",
  );
  await pool.query("insert into public.posts (id, author_id, title) select unnest($1::uuid[]), $2, 'a post'", [
    posts,
    person(0),
  ]);
  await pool.query("update recsys.settings set trial_impressions = 50");
});

/** A feed of these posts, which a person was shown. */
function shown(n: number, ids: string[], shownAt = new Date()): LoggedFeed {
  const items = ids.map((post_id, i) => ({
    post_id,
    ...emptyDescription(post_id),
    title: "",
    score: 0,
    predictions: null,
    source: "fresh" as const,
    why: { kind: "fresh" as const },
    topic: null,
    position: i + 1,
  }));
  const made_at = shownAt.toISOString();
  const feed = {
    request_id: crypto.randomUUID(),
    model: null,
    mode: "live" as const,
    degraded: null,
    made_at,
    basis: "community" as const,
    items,
    next: null,
  };
  const unknown = items.map(() => null);
  return {
    recommendation: { feed, shownAt, features: unknown, propensities: unknown, label: "" },
    userId: person(n),
  };
}

async function log(...feeds: LoggedFeed[]): Promise<void> {
  const workers = openPool(url, () => undefined, { max: 1 });
  await createImpressionLogger(workers)
    .do(feeds)
    .finally(() => workers.end());
}

const count = async (n = 0) => {
  const { rows } = await pool.query(
    "select impressions, acted from recsys_engine.exploration_stats where post_id = $1",
    [post(n)],
  );
  return rows.length === 0 ? null : [rows[0].impressions, rows[0].acted];
};
const recount = async () =>
  Number((await pool.query("select recsys_engine.update_exploration_stats() as n")).rows[0].n);

test("16 workers that log the same posts at the same time, each in another order, lose nothing and wait for each other at most", {
  skip: oneSession,
}, async () => {
  const workers = Array.from({ length: 16 }, () => openPool(url, () => undefined, { max: 1 }));
  try {
    await Promise.all(
      workers.map(async (worker, w) => {
        const { do: write } = createImpressionLogger(worker);
        for (let round = 0; round < 10; round++) {
          const order = w % 2 === 0 ? posts : posts.toReversed();
          // the same 20 people in every worker, several feeds a statement, and now and then a count between
          await write([0, 1, 2].map((k) => shown((w + round + 7 * k) % 20, order)));
          if (round % 4 === 0) await recount();
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
  await recount();
  for (const n of posts.keys()) assert.deepEqual(await count(n), [20, 0]);
  assert.equal((await pool.query("select from recsys.impressions")).rowCount, 16 * 10 * 3 * 20);
  assert.equal(await recount(), 0, "and a second count changes nothing");
});

test("a person counts once for a post, however often it is shown to them, in one statement and in many", async () => {
  await log(shown(1, posts), shown(1, posts), shown(2, posts));
  await log(shown(1, posts));
  await recount();
  assert.deepEqual(await count(), [2, 0]);
});

test("what comes after enough impressions is not counted, and old posts are not at all", async () => {
  await pool.query("update recsys.settings set trial_impressions = 3");
  await pool.query("update public.posts set created_at = now() - interval '7 days 1 minute' where id = $1", [post(1)]);
  for (let n = 1; n <= 3; n++) await log(shown(n, posts));
  await recount();
  await log(shown(4, posts), shown(5, posts));
  await recount();
  assert.deepEqual([await count(0), await count(1)], [[3, 0], null]);
});

test("views, votes and comments within the hour count once a person, those before, later, against it or of others do not", async () => {
  const at = new Date(Date.now() - 80 * 60_000);
  await log(...[1, 2, 3, 4, 5, 6, 7].map((n) => shown(n, [post(0)], at)));
  const act = async (table: string, n: number, minutes: number, value = 1) =>
    await pool.query(`insert into public.${table} (user_id, post_id, created_at, value) values ($1, $2, $3, $4)`, [
      person(n),
      post(0),
      new Date(at.getTime() + minutes * 60_000),
      value,
    ]);
  await act("post_views", 1, 1);
  await act("post_votes", 1, 2);
  await act("post_votes", 2, 59);
  await act("comments", 3, 30);
  await act("post_views", 4, 61);
  await act("post_views", 5, -1);
  await act("post_votes", 6, 5, -1);
  await act("post_views", 8, 5);
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(await count(), [7, 3]);
});

test("what is committed late is counted when it is, however long ago it was shown", {
  skip: oneSession,
}, async () => {
  const late = await pool.connect();
  try {
    await late.query("begin");
    await late.query("insert into recsys_engine.exploration_impressions values ($1, $2, now() - interval '3 hours')", [
      post(0),
      person(1),
    ]);
    await log(shown(2, [post(0)]));
    await pool.query("select recsys.roll_up()");
    assert.deepEqual(await count(), [1, 0]);
    await late.query("commit");
  } finally {
    late.release();
  }
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(await count(), [2, 0]);
});

test("an act finds its impression whichever of them a roll-up sees first", {
  skip: oneSession,
}, async () => {
  const view =
    "insert into public.post_views (user_id, post_id, created_at) values ($1, $2, now() + interval '1 second')";
  const impression = "insert into recsys_engine.exploration_impressions values ($2, $1, now())";
  const rollUp = () => pool.query("select recsys.roll_up()");
  for (const [n, [first, second]] of [
    [view, impression],
    [impression, view],
  ].entries()) {
    await pool.query(first, [person(1), post(n)]);
    await rollUp();
    await pool.query(second, [person(1), post(n)]);
    await rollUp();
    assert.deepEqual(await count(n), [1, 1]);
    const [early, late] = [await pool.connect(), await pool.connect()];
    try {
      for (const client of [early, late]) await client.query("begin");
      await early.query(first, [person(2), post(n)]);
      await late.query(second, [person(2), post(n)]);
      await rollUp();
      assert.deepEqual(await count(n), [1, 1]);
      await late.query("commit");
      await rollUp();
      await early.query("commit");
      await rollUp();
    } finally {
      for (const client of [early, late]) client.release();
    }
    assert.deepEqual(await count(n), [2, 2]);
  }
});

test("with writers, acts and roll-ups in any order the counts are those of a look at everything", {
  skip: oneSession,
}, async () => {
  const random = new Random(5);
  const clients = await Promise.all(Array.from({ length: 6 }, () => pool.connect()));
  let writing = clients.length;
  try {
    await Promise.all([
      ...clients.map(async (client) => {
        for (let round = 0; round < 40; round++) {
          const pairs = Array.from({ length: 5 }, () => [person(random.below(40)), post(random.below(20))]).sort();
          await client.query("begin");
          for (const [user, id] of pairs) {
            if (random.below(2) === 0)
              await client.query(
                "insert into recsys_engine.exploration_impressions values ($2, $1, now() - interval '1 minute') on conflict do nothing",
                [user, id],
              );
            else
              await client.query(
                "insert into public.post_views (user_id, post_id) values ($1, $2) on conflict do nothing",
                [user, id],
              );
          }
          await client.query(random.below(8) === 0 ? "rollback" : "commit");
        }
        writing -= 1;
      }),
      (async () => {
        while (writing > 0) await pool.query("select recsys.roll_up()");
      })(),
    ]);
  } finally {
    for (const client of clients) client.release();
  }
  await pool.query("select recsys.roll_up()");
  const { rows } = await pool.query(
    `select count(*)::int as wrong, (select sum(acted)::int from recsys_engine.exploration_stats) as acted
     from recsys_engine.exploration_stats full join (
       select shown.post_id, count(*) as impressions, count(*) filter (where exists (
         select from public.post_views as views where views.user_id = shown.user_id and views.post_id = shown.post_id
       )) as acted
       from recsys_engine.exploration_impressions as shown group by shown.post_id
     ) as expected using (post_id)
     where (exploration_stats.impressions, exploration_stats.acted) is distinct from (expected.impressions, expected.acted)`,
  );
  assert.equal(rows[0].wrong, 0);
  assert.ok(rows[0].acted > 50, `${rows[0].acted} acts`);
});

test("a roll-up writes what is new alone, and who is erased stays in the counts alone, until the night", async () => {
  await log(shown(1, posts), shown(2, posts));
  await recount();
  const stored =
    "select post_id, user_id, ctid from recsys_engine.exploration_impressions where user_id <> $1 order by 1, 2";
  const places = async () => (await pool.query(stored, [person(3)])).rows;
  const before = await places();
  await log(shown(3, [post(1)]));
  await pool.query("delete from public.profiles where id = $1", [person(2)]);
  await pool.query("select recsys.roll_up(null), recsys.erase()");
  await log(shown(3, [post(0)]));
  await pool.query("select recsys.roll_up()");
  const impressions = () => Promise.all([0, 1, 2].map(async (n) => (await count(n))?.[0]));
  assert.deepEqual(await impressions(), [3, 3, 2]);
  assert.deepEqual(
    await places(),
    before.filter(({ user_id }) => user_id === person(1)),
    "no other row was written",
  );
  await pool.query("select recsys_engine.purge_exploration_stats()");
  assert.deepEqual(await impressions(), [2, 2, 1]);
});

test("a roll-up counts where nothing else has changed, and goes on where trials cannot be counted", async () => {
  await pool.query("select recsys.roll_up(null)");
  await log(shown(1, posts));
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(await count(), [1, 0]);
  await pool.query("alter table recsys_engine.exploration_stats rename to trials_gone");
  try {
    await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [person(1), post(0)]);
    await pool.query("select recsys.roll_up()");
    const { rows } = await pool.query("select views from recsys_engine.latest_post_stats where post_id = $1", [
      post(0),
    ]);
    assert.deepEqual(rows, [{ views: 1 }]);
  } finally {
    await pool.query("alter table recsys_engine.trials_gone rename to exploration_stats");
  }
});

test("the trials of old posts go at night, with whom they were shown to; those that are on stay", async () => {
  await log(shown(1, posts), shown(2, posts));
  await recount();
  await pool.query(
    "update recsys_engine.exploration_stats set created_at = now() - interval '8 days' where post_id = $1",
    [post(0)],
  );
  // shown and deleted before it was counted
  await pool.query("insert into recsys_engine.exploration_impressions values ($1, $2, now() - interval '15 days')", [
    post(99),
    person(1),
  ]);
  const { rows } = await pool.query("select recsys_engine.purge_exploration_stats()::int as n");
  assert.deepEqual(rows, [{ n: 1 }]);
  assert.equal(await count(0), null);
  assert.deepEqual(await count(1), [2, 0]);
  const left = await pool.query("select count(*)::int as n from recsys_engine.exploration_impressions");
  assert.deepEqual(left.rows, [{ n: 38 }]);
});

test("nobody but the service reads who was shown what", async () => {
  const client = await pool.connect();
  try {
    for (const role of ["authenticated", "anon"])
      for (const question of [
        "select from recsys_engine.exploration_stats",
        "select from recsys_engine.exploration_impressions",
        "select recsys_engine.update_exploration_stats()",
      ]) {
        await client.query(`begin; set local role ${role}`);
        await assert.rejects(client.query(question), /permission denied/);
        await client.query("rollback");
      }
  } finally {
    client.release();
  }
});

/** Reads as a feed does, in a transaction of a user who may not read the tables. */
async function read(kept = createExplorationStatsCache(), featureStore = 1, now = Date.now()) {
  const reader = openPool(url, () => undefined, { max: 1 });
  const connection = await reader.connect();
  try {
    await connection.query("begin read only; set local role authenticated");
    const trials = await kept.of(connection, "authenticated", featureStore, now);
    assert.deepEqual((await connection.query("select current_user::text as role")).rows, [{ role: "authenticated" }]);
    await connection.query("commit");
    return trials;
  } finally {
    connection.release();
    await reader.end();
  }
}

test("a feed reads the counts, what is usual, and from when on a post is young; a worker keeps it until a roll-up or for ten seconds", async () => {
  const week = 7 * 86_400_000;
  const nothing = await read();
  assert.deepEqual([nothing.known.size, nothing.rate], [0, 0.05]);
  assert.ok(Math.abs(nothing.since - (Date.now() - week)) < 60_000);
  await pool.query(
    "insert into recsys_engine.exploration_stats values ($1, now(), 30, 10), ($2, now() - interval '1 day', 50, 0), ($3, now() - interval '8 days', 50, 50)",
    posts.slice(0, 3),
  );
  const kept = createExplorationStatsCache();
  const now = Date.now();
  const first = await read(kept, 1, now);
  assert.deepEqual(
    first.known,
    new Map([
      [post(0), { impressions: 30, acted: 10 }],
      [post(1), { impressions: 50, acted: 0 }],
    ]),
  );
  assert.equal(first.rate, 11 / 100);
  assert.equal(await read(kept, 1, now + 9_000), first);
  const second = await read(kept, 2, now + 9_000);
  assert.notEqual(second, first);
  assert.equal(await read(kept, 2, now + 5_000), second);
  const third = await read(kept, 2, now + 11_000);
  assert.notEqual(third, second);
  assert.notEqual(await read(kept, 2, now - 60_000), third, "the clock went back");
});

test("of more than 5,000 young posts the newest are under trial", async () => {
  await pool.query(
    "insert into recsys_engine.exploration_stats select gen_random_uuid(), now() - n * interval '1 minute', 1, 0 from generate_series(1, 5001) as n",
  );
  const { known, since } = await read();
  assert.equal(known.size, 5_000);
  const { rows } = await pool.query(
    "select 1000 * extract(epoch from created_at)::float8 as at from recsys_engine.exploration_stats order by created_at desc offset 4999 limit 1",
  );
  assert.ok(Math.abs(since - rows[0].at) < 1);
});

test("settings that make no sense are refused", async () => {
  for (const wrong of [
    "trial_place = -1",
    "trial_place = 1001",
    "trial_impressions = -1",
    "trial_impressions = 1001",
    "trial_place = null",
  ])
    await assert.rejects(pool.query(`update recsys.settings set ${wrong}`), /violates/);
});

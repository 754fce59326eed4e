// After any changes whatsoever the feature store is what a recomputation from scratch gives, and what its definitions say.
// CHANGES: how many changes to make (npm run test:soak: 50,000), and SEED a course of them; else 300 of a course, or 600 of each in test:full.
import assert from "node:assert/strict";
import { test } from "node:test";
import { affinityDifferences } from "../testing/affinities.ts";
import { courses, isFull } from "../testing/courses.ts";
import { assertExact } from "../testing/feature-store-definitions.ts";
import { changeSomething, changeTogether, fillCommunity } from "../testing/random-changes.ts";
import { Random } from "../trainer/models/nn/random.ts";
import type { Database } from "./connect.ts";
import { onBoth, testDatabase, withOneSession } from "./testing.ts";

const oneSession = await withOneSession();

const changes = Number(process.env.CHANGES ?? (isFull ? 600 : 300));
const seeds = process.env.CHANGES ? [Number(process.env.SEED ?? 1)] : courses;
const seed = seeds[0];

async function differences({ pool }: Database): Promise<unknown[]> {
  const { rows } = await pool.query("select * from recsys_engine.feature_store_differences() limit 3");
  return rows;
}

for (const seed of seeds)
  test(`${changes} random changes, seed ${seed}`, async (t) => {
    const database = await testDatabase(t, "changes");
    const random = new Random(seed);
    await fillCommunity(database, random);
    const made = new Map<string, number>();
    let checked = 0;
    let wasThinned = false;
    for (let change = 0; change < changes; ) {
      const last: string[] = [];
      for (let i = 1 + random.below(40); i > 0 && change < changes; i--, change++) {
        const what = await changeSomething(database, random);
        made.set(what, (made.get(what) ?? 0) + 1);
        last.push(what);
      }
      // in portions, as a backlog is
      for (let i = random.below(3); i > 0; i--)
        await database.pool.query("select recsys.roll_up($1)", [1 + random.below(10)]);
      await database.pool.query("select recsys.roll_up(null)");
      assert.deepEqual(await differences(database), [], `seed ${seed}, change ${change}, after ${last.join(", ")}`);
      assert.deepEqual(await affinityDifferences(database.pool), [], `seed ${seed}, change ${change}, affinities`);
      if (checked++ % 15 === 0) await assertExact(database);
      const { rows } = await database.pool.query(
        "select thinned_before > '-infinity' as thinned from recsys_engine.pruning_progress",
      );
      wasThinned ||= rows[0].thinned;
    }
    await assertExact(database);
    assert.equal((await database.pool.query("select recsys.roll_up() as written")).rows[0].written, 0);
    assert.equal((await database.pool.query("select from recsys_engine.failed_feature_changes")).rowCount, 0);
    // at the end it may be undone: where so much was deleted that the earliest states are needed again
    assert.ok(wasThinned, "nothing was old enough to be thinned");
    t.diagnostic([...made].map(([what, times]) => `${what} ${times}`).join(", "));
  });

test("four who write, two who roll up, and one who thins, all at once", {
  skip: oneSession,
}, async (t) => {
  const database = await testDatabase(t, "at_once");
  await fillCommunity(database, new Random(seed));
  let written = 0;
  let rolledUp = 0;
  // on a busy machine all may be written before much is rolled up: 14 times at a load of 20
  const goesOn = () => written < (4 * changes) / 30 || rolledUp <= 20;
  const writer = async (random: Random) => {
    while (goesOn()) {
      // a transaction that stays open while others write and roll up
      const pause = () => new Promise<void>((done) => setTimeout(done, random.below(20)));
      await changeTogether(database, random, pause);
      written++;
    }
  };
  const roller = async () => {
    while (goesOn()) {
      await database.pool.query("select recsys.roll_up()");
      rolledUp++;
    }
  };
  const thin = async (random: Random) => {
    while (goesOn())
      await database.pool.query("select recsys_engine.prune_feature_store($1, $2)", [
        40 + random.below(160),
        1 + random.below(30),
      ]);
  };
  const writers = [1, 2, 3, 4].map((number) => writer(new Random(10 * seed + number)));
  await Promise.all([...writers, roller(), roller(), thin(new Random(seed))]);
  await database.pool.query("select recsys.roll_up()");
  assert.deepEqual(await differences(database), []);
});

await onBoth("differences are found, and mended by queueing them", async (t, database) => {
  const { pool } = database;
  await fillCommunity(database, new Random(2));
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(await differences(database), []);
  const damages = [
    "update recsys_engine.post_stats set views = views + 1 where interaction_id = (select min(interaction_id) from recsys_engine.post_stats)",
    "update recsys_engine.post_stats set recent[3] = recent[3] + 1e-6 where interaction_id = (select max(interaction_id) from recsys_engine.post_stats)",
    "update recsys_engine.post_stats set last_comment_at = null where interaction_id = (select max(interaction_id) from recsys_engine.post_stats where last_comment_at is not null)",
    "update recsys_engine.user_stats set habit_log_idle = null where event_id = (select max(event_id) from recsys_engine.user_stats where habit_log_idle is not null)",
    "update recsys_engine.user_stats set habit_log_age = habit_log_age + 0.001 where event_id = (select max(event_id) from recsys_engine.user_stats where habit_log_age is not null)",
    "delete from recsys_engine.post_stats where interaction_id = (select min(interaction_id) from recsys_engine.post_stats)",
    "delete from recsys_engine.user_stats where event_id = (select min(event_id) from recsys_engine.user_stats)",
    "insert into recsys_engine.post_stats select post_id, last_active_at, -1, user_id, kind, views, votes, comments, participants, last_comment_at, first_interaction, recent, trend from recsys_engine.post_stats limit 1",
    "update recsys_engine.latest_post_stats set comments = comments + 1 where post_id = (select max(post_id::text)::uuid from recsys_engine.latest_post_stats)",
    "update recsys_engine.latest_post_stats set trend = trend - 0.01 where post_id = (select min(post_id::text)::uuid from recsys_engine.latest_post_stats)",
    "delete from recsys_engine.latest_post_stats where post_id = (select min(post_id::text)::uuid from recsys_engine.latest_post_stats)",
    "insert into recsys_engine.latest_post_stats select (jsonb_populate_record(latest, jsonb_build_object('post_id', gen_random_uuid()))).* from recsys_engine.latest_post_stats as latest limit 1",
    "update recsys_engine.latest_user_stats set logins = logins + 1 where user_id = (select max(user_id::text)::uuid from recsys_engine.latest_user_stats)",
    "update recsys_engine.latest_user_stats set recent[2] = recent[2] + 1e-6 where user_id = (select min(user_id::text)::uuid from recsys_engine.latest_user_stats)",
    "delete from recsys_engine.latest_user_stats where user_id = (select min(user_id::text)::uuid from recsys_engine.latest_user_stats)",
    "insert into recsys_engine.latest_user_stats select gen_random_uuid(), last_active_at, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle from recsys_engine.latest_user_stats limit 1",
    "insert into recsys_engine.user_stats select user_id, last_active_at, 'L-1', -1, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle from recsys_engine.user_stats limit 1",
  ];
  for (const damage of damages) {
    await t.test(damage, async () => {
      await pool.query(damage);
      assert.equal((await differences(database)).length, 1);
      await pool.query(
        "insert into recsys_engine.feature_changes (post_id, user_id) select post_id, user_id from recsys_engine.feature_store_differences()",
      );
      await pool.query("select recsys.roll_up()");
      assert.deepEqual(await differences(database), []);
    });
  }
});

await onBoth("where more may have changed than is queued event by event, all of it is read", async (t, { pool }) => {
  const id = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
  const [ana, ben] = [id(1), id(2)];
  const [story, hidden, other] = [id(4), id(5), id(6)];
  await pool.query(`
    create or replace view recsys.source_posts with (security_invoker = true) as
    select id as post_id, external_id, author_id, title, description, tags, created_at, language from public.posts where title <> 'hidden';
    select recsys.watch('public.posts', 'posts', p_texts => '{title}', p_others => '{title}');
    insert into public.profiles (id) values ('${ana}'), ('${ben}');
    insert into public.posts (id, title, created_at)
    select id::uuid, 'a post', now() - interval '9 days' from unnest(array['${story}', '${hidden}', '${other}']) as id;
    insert into public.post_views (user_id, post_id, created_at)
    select id, '${story}', now() - interval '8 days' from public.profiles;
    select recsys.roll_up()`);
  let minute = 0;
  /** A view, later than all before it; what it queues is lost. */
  const unqueued = async (user: string, post: string) => {
    const { rows } = await pool.query(
      `with seen as (insert into public.post_views (user_id, post_id, created_at) values ($1, $2, now() - interval '1 day' + $3 * interval '1 minute') returning created_at)
       select created_at from seen`,
      [user, post, minute++],
    );
    await pool.query("delete from recsys_engine.feature_changes");
    return rows[0].created_at as Date;
  };
  const view = (user: string, post: string) =>
    pool.query(
      "insert into public.post_views (user_id, post_id, created_at) values ($1, $2, now() - interval '1 day' + $3 * interval '1 minute')",
      [user, post, minute++],
    );
  const cases: Record<string, () => Promise<unknown>> = {
    "a post and a user were queued by hand from an instant on": async () => {
      const at = await unqueued(ana, story);
      await pool.query("insert into recsys_engine.feature_changes (post_id, at) values ($1, $2)", [story, at]);
      await pool.query("insert into recsys_engine.feature_changes (user_id, at) values ($1, $2)", [ana, at]);
      await view(ben, story);
      await view(ana, other);
    },
    "a user was set aside": async () => {
      const at = await unqueued(ana, story);
      await pool.query("insert into recsys_engine.feature_changes (post_id, at) values ($1, $2)", [story, at]);
      await pool.query(
        "insert into recsys_engine.failed_feature_changes (user_id, at, error_code, reason) values ($1, $2, '22000', 'a test')",
        [ana, at],
      );
      await view(ana, other);
    },
    "a post is shown that was hidden when somebody came": async () => {
      await pool.query("update public.posts set title = 'hidden' where id = $1", [hidden]);
      await view(ana, hidden);
      await pool.query("select recsys.roll_up()");
      await view(ana, other);
      await pool.query("update public.posts set title = 'a post' where id = $1", [hidden]);
    },
  };
  for (const [name, change] of Object.entries(cases)) {
    await t.test(name, async () => {
      await change();
      await pool.query("select recsys.roll_up()");
      assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
      assert.equal((await pool.query("select from recsys_engine.failed_feature_changes")).rowCount, 0);
    });
  }
});

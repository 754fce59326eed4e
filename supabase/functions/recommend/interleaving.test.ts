/** Feeds that two models draft: what is shown and logged, page after page, and what happens where the second model fails. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, tinyGraphs } from "../../../testing/community.ts";
import { courses, isFull } from "../../../testing/courses.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await eitherDatabase({ after }, "interleaved_feeds");
beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade");
  await clear(pool);
  await fillCommunity(pool);
  await pool.query("update recsys.settings set requests_per_minute = null");
});

/** To ada the posts with even numbers are the nearest by the model `even`, and those with odd ones by `odd`. */
async function publishBoth(
  graphs: Partial<ReturnType<typeof tinyGraphs>> = {},
): Promise<{ odd: number; even: number }> {
  const { user_tower } = tinyGraphs({ lean: 100 });
  const odd = await publishTinyModel(pool, { name: "odd", graphs: { user_tower, ...graphs } });
  const even = await publishTinyModel(pool, { name: "even" });
  return { odd, even };
}

async function start(variant: object = {}, name = "drafted"): Promise<void> {
  await pool.query("select recsys.start_experiment($1, $2)", [
    name,
    JSON.stringify([{ name: "both", share: 1, interleave_with: "odd", ...variant }]),
  ]);
}

interface Logged {
  post_id: string;
  team: 1 | 2 | null;
  model_id: number;
  variant: string;
  explored: boolean;
  score: number;
  features: number[];
}

async function logged(requestId: string): Promise<Logged[]> {
  const { rows } = await pool.query<Logged>(
    "select post_id, team, model_id::int, variant, explored, score, features from recsys.impressions where request_id = $1 order by position",
    [requestId],
  );
  return rows;
}

const numberOf = (postId: string) => Number(postId.slice(-12));
const isOdd = (postId: string) => numberOf(postId) % 2 === 1;

test("each model's own nearest posts are in the feed, logged with its team, its score and its features", async (t) => {
  const ids = await publishBoth();
  await start();
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 10 });
  await app.settled();
  assert.deepEqual(body.model, { id: ids.even, name: "even" });
  const rows = await logged(body.request_id);
  assert.deepEqual(
    rows.map(({ post_id }) => post_id),
    body.items.map(({ post_id }) => post_id),
  );
  assert.equal(new Set(rows.map(({ post_id }) => post_id)).size, 10);
  for (const { post_id, team, model_id, variant, score, features } of rows) {
    assert.deepEqual([team, model_id], isOdd(post_id) ? [2, ids.odd] : [1, ids.even]);
    assert.equal(variant, "drafted/both");
    // each is the best there is to the model that picked it
    assert.ok(score > 1.5, `${score}`);
    assert.ok(features.length > 10);
  }
  assert.equal(rows.filter(({ team }) => team === 1).length, 5);
  assert.deepEqual(app.logged, []);
});

test("page after page no post comes twice, each page has as many of both, and a cursor that is sent again brings the same", async (t) => {
  await publishBoth();
  await start();
  const app = testApp(t, url);
  const seen: string[] = [];
  let next: string | null = null;
  for (let page = 0; page < 20; page++) {
    const { body } = await app.call(people.ada, { limit: 4, ...(next && { after: next }) });
    await app.settled();
    const again = await app.call(people.ada, { limit: 4, ...(next && { after: next }) });
    const ids = body.items.map(({ post_id }) => post_id);
    if (next)
      assert.deepEqual(
        again.body.items.map(({ post_id }) => post_id),
        ids,
      );
    assert.deepEqual(
      body.items.map(({ position }) => position),
      ids.map((_, i) => seen.length + i + 1),
    );
    const teams = (await logged(body.request_id)).map(({ team }) => team);
    if (ids.length === 4) assert.equal(teams.filter((team) => team === 1).length, 2);
    seen.push(...ids);
    next = body.next;
    if (next === null) break;
  }
  assert.equal(new Set(seen).size, seen.length);
  // of 30 posts ada has voted for two
  assert.equal(seen.length, 28);
});

test("the first coin is fair, and the order within a team is that of its model", async (t) => {
  await publishBoth();
  await start();
  const app = testApp(t, url);
  const alone: Record<string, string[]> = {};
  let first = 0;
  const feeds = isFull ? 60 : 24;
  for (let i = 0; i < feeds; i++) {
    const { body } = await app.call(people.ada, { limit: 8 });
    first += Number(!isOdd(body.items[0].post_id));
    for (const odd of [true, false]) {
      const those = body.items.map(({ post_id }) => post_id).filter((id) => isOdd(id) === odd);
      alone[`${odd}`] ??= those;
      assert.deepEqual(those, alone[`${odd}`], "whatever the other picks");
    }
  }
  // within 4 standard errors
  assert.ok(Math.abs(first - feeds / 2) < 2 * Math.sqrt(feeds), `${first} of ${feeds}`);
});

test("a place to explore has no team", async (t) => {
  await publishBoth();
  await pool.query("update recsys.settings set trial_place = 4");
  await start();
  const app = testApp(t, url);
  // what one model draws for it the other may have placed above, once in some twenty pages
  const requests: string[] = [];
  for (let times = 0; times < 12 * courses.length; times++)
    requests.push((await app.call(people.ada, { limit: 12 })).body.request_id);
  await app.settled();
  for (const request of requests) {
    const rows = await logged(request);
    assert.deepEqual(
      rows.flatMap(({ explored }, i) => (explored ? [i + 1] : [])),
      [4],
    );
    for (const { explored, team } of rows) assert.equal(team === null, explored);
    assert.ok(Math.abs(rows.filter(({ team }) => team === 1).length - 5.5) < 1);
  }
});

test("a model against itself makes the feed that it makes alone", async (t) => {
  await publishBoth();
  await pool.query("update recsys.settings set diversity = 0.4, author_decay = 0.9, trial_place = 0");
  const app = testApp(t, url);
  const alone = await app.call(people.ada, { limit: 20 });
  await start({ interleave_with: "even" });
  const { body } = await app.call(people.ada, { limit: 20 });
  await app.settled();
  // the instant is another by some milliseconds
  assert.deepEqual(
    body.items.map(({ post_id, why }) => [post_id, why]),
    alone.body.items.map(({ post_id, why }) => [post_id, why]),
  );
  const teams = (await logged(body.request_id)).map(({ team }) => team);
  assert.deepEqual([teams.filter((team) => team === 1).length, teams.filter((team) => team === 2).length], [10, 10]);
});

test("two named models are drafted, and who has not signed in, asks for a list or stands outside gets none of it", async (t) => {
  const ids = await publishBoth();
  const active = await publishTinyModel(pool, { name: "active" });
  await start({ model: "even" });
  const app = testApp(t, url);
  const { body } = await app.call(people.ben, { limit: 4, filter: { max_age_days: 30 } });
  await app.settled();
  assert.deepEqual(
    (await logged(body.request_id)).map(({ model_id }) => model_id).toSorted(),
    [ids.odd, ids.odd, ids.even, ids.even].toSorted(),
  );
  await pool.query("select recsys.change_shares('drafted', '{\"both\": 0.0001}')");
  await pool.query("update recsys.experiment_variants set buckets = '{}'");
  const outside = await app.call(people.ben, { limit: 4 });
  await app.settled();
  const rows = await logged(outside.body.request_id);
  assert.deepEqual([rows[0].team, rows[0].model_id, rows[0].variant], [null, active, null]);
});

for (const graph of ["user_tower", "dlrm"] as const)
  test(`where the ${graph} of the second model is broken, the first makes the feed alone, and it counts for nobody`, async (t) => {
    const ids = await publishBoth({ [graph]: new Uint8Array([1, 2, 3]) });
    await start();
    const app = testApp(t, url);
    const { status, body } = await app.call(people.ada, { limit: 10 });
    await app.settled();
    assert.deepEqual([status, body.degraded, body.model], [200, null, { id: ids.even, name: "even" }]);
    for (const row of await logged(body.request_id)) {
      assert.deepEqual([row.team, row.model_id, row.variant], [null, ids.even, "drafted/both"]);
      assert.ok(!isOdd(row.post_id), "of the first ten fourteen even ones");
    }
    assert.deepEqual(
      app.logged.map(({ code }) => code),
      ["chosen_model_failed"],
    );
    assert.match(
      (app.logged[0].cause as Error).message,
      new RegExp(`^model ${ids.odd} of the experiment in drafted/both cannot serve: model even serves alone`),
    );
  });

test("a second model that was rolled back or lost its tables takes nothing from the feed", async (t) => {
  const ids = await publishBoth();
  await start();
  const app = testApp(t, url);
  const alone = async (message: RegExp) => {
    const { status, body } = await app.call(people.ada, { limit: 4 });
    await app.settled();
    assert.deepEqual([status, body.degraded, body.items.length], [200, null, 4]);
    assert.ok((await logged(body.request_id)).every(({ team, model_id }) => team === null && model_id === ids.even));
    assert.match((app.logged.splice(0)[0].cause as Error).message, message);
  };
  await pool.query("update recsys.models set status = 'rolled_back' where name = 'odd'");
  await alone(/does not serve any more: model even serves alone/);
  await pool.query("update recsys.models set status = 'ready' where name = 'odd'");
  assert.ok((await app.call(people.ada, { limit: 4 })).body.items.some(({ post_id }) => isOdd(post_id)));
  await pool.query(`drop table recsys_engine.post_embeddings_${ids.odd}, recsys_engine.user_embeddings_${ids.odd}`);
  await alone(/cannot serve: model even serves alone/);
  await pool.query("update recsys.models set status = 'retired' where name = 'odd'");
  await pool.query("delete from recsys.models where name = 'odd'");
});

test("where the first model fails, the active one serves alone", async (t) => {
  await publishBoth();
  await publishTinyModel(pool, { name: "broken", graphs: { dlrm: new Uint8Array([1]) } });
  const active = await publishTinyModel(pool, { name: "active" });
  await start({ model: "broken" });
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 4 });
  await app.settled();
  assert.deepEqual([body.model, body.degraded], [{ id: active, name: "active" }, null]);
  assert.ok((await logged(body.request_id)).every(({ team }) => team === null));
  await pool.query("update recsys.models set status = 'rolled_back' where name = 'broken'");
  const later = await app.call(people.ada, { limit: 4 });
  await app.settled();
  const rows = await logged(later.body.request_id);
  assert.ok(rows.every(({ team, model_id, post_id }) => team === null && model_id === active && !isOdd(post_id)));
});

test("what a person may not see, has seen, muted or dismissed is not the second model's to bring either", async (t) => {
  await publishBoth();
  await start();
  const app = testApp(t, url);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(1)]);
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ada, post(3)]);
  const { body } = await app.call(people.ada, { limit: 100 });
  const numbers = body.items.map(({ post_id }) => numberOf(post_id));
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i + 1).filter((n) => ![1, 3, 28, 30].includes(n)),
  );
});

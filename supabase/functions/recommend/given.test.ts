/**
 * Posts that the app names, such as results of its own search: ranked for the caller, without a trace of unreadable
 * ones.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import {
  clear,
  fillCommunity,
  people,
  post,
  privatePost,
  publishTinyModel,
  tinyGraphs,
  uuid,
} from "../../../testing/community.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "given");
const app = testApp({ after }, url);

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  app.logged.length = 0;
});

async function ranked(who: string | null, candidates: string[], more: object = {}): Promise<Feed> {
  const request = { candidates, limit: 100, ...more };
  const { status, body } = await (who === null ? app.visit(request) : app.call(who, request));
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}
const ids = ({ items }: Feed) => items.map(({ post_id }) => post_id);
/** All that is the same whenever it is asked. */
const lasting = ({ request_id: _, made_at: __, next, ...feed }: Feed) => ({ ...feed, next: next?.length });

test("a search page is ranked for each of two people, with what they know and wrote themselves", async () => {
  await pool.query("update public.posts set author_id = $1 where id = $2", [people.ada, post(2)]);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.ada, post(4)]);
  const found = [1, 2, 3, 4, 28, 30].map(post);
  const adas = await ranked(people.ada, found);
  // she voted for 28 and 30, which are about the topic of even posts; equals come the newest first
  assert.deepEqual(ids(adas), [2, 4, 28, 30, 1, 3].map(post));
  assert.deepEqual([adas.mode, adas.model?.name, adas.basis, adas.degraded], ["candidates", "tiny", "history", null]);
  const bens = await ranked(people.ben, found);
  assert.deepEqual(ids(bens), [1, 3, 2, 4, 28, 30].map(post));
  assert.ok(
    bens.items.every(({ source, score }, i) => source === "candidates" && score <= (bens.items[i - 1]?.score ?? 9)),
  );
  assert.deepEqual(bens.items[2].why, { kind: "candidates" });
  assert.equal(adas.items[0].why.kind, "like_your_history");
  // nothing is tried, whatever the settings
  await pool.query("update recsys.settings set trial_place = 1, drawn_share = 1, diversity = 1, author_decay = 0.1");
  assert.deepEqual(ids(await ranked(people.ben, found)), ids(bens));
  await pool.query("update recsys.settings set trial_place = 0, drawn_share = 0, diversity = 0, author_decay = 1");
});

test("what one may not read is as an id that no post has, also once a policy has changed", async () => {
  const [hidden, deleted] = [privatePost, post(9)];
  await pool.query("delete from public.posts where id = $1", [deleted]);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'Post 12')", [people.ben]);
  const asked = (secret: string) => [post(1), secret, post(2), post(12), post(3)];
  for (const more of [{}, { limit: 2 }, { filter: { max_age_days: 30 } }, { interests: ["chess"] }])
    for (const who of [people.ben, null]) {
      const nobodys = await ranked(who, asked(uuid("f", 1)), more);
      for (const secret of [hidden, deleted, post(1)])
        assert.deepEqual(lasting(await ranked(who, asked(secret), more)), lasting(nobodys));
    }
  assert.deepEqual(ids(await ranked(people.ben, asked(hidden))), [1, 3, 2].map(post), "and 12 is muted");
  assert.ok(ids(await ranked(people.author, asked(hidden))).includes(hidden));
  await pool.query(
    "update public.posts set visibility = case id when $1 then 'public' else 'private' end where id in ($1, $2)",
    [hidden, post(1)],
  );
  assert.deepEqual(new Set(ids(await ranked(people.ben, asked(hidden)))), new Set([hidden, post(3), post(2)]));
  assert.deepEqual(app.logged, []);
});

test("each is there once, in any spelling; none of none; and what is no list of up to 1,000 UUIDs is refused", async () => {
  const upper = "0000000B-0000-4000-8000-000000000001";
  assert.deepEqual(ids(await ranked(people.ben, [upper, post(1), post(3), upper, post(3)])), [post(1), post(3)]);
  const empty = await ranked(people.ben, []);
  assert.deepEqual([empty.items, empty.next, empty.mode], [[], null, "candidates"]);
  assert.deepEqual(lasting(await ranked(people.ben, [privatePost])).items, []);
  const thousand = Array.from({ length: 1000 }, (_, i) => (i < 30 ? post(i + 1) : uuid("f", i)));
  assert.equal((await ranked(people.ben, thousand)).items.length, 30);
  for (const candidates of [[...thousand, uuid("f", 1000)], ["1"], [1], [null], post(1), { 0: post(1) }, [[]]]) {
    const { status, body } = await app.call(people.ben, { candidates });
    assert.deepEqual([status, body.error?.code], [400, "invalid_candidates"], JSON.stringify(candidates)?.slice(0, 50));
  }
  const query = await app.request(`/recommend?candidates=${post(1)}`, {
    headers: { authorization: `Bearer ${people.ben}` },
  });
  assert.equal((await query.json()).error.code, "unknown_field");
});

test("pages go through all of them in one order, whatever is voted for in between", async () => {
  const all = Array.from({ length: 30 }, (_, i) => post(30 - i));
  const whole = ids(await ranked(people.ben, all, { mode: "batch" }));
  const paged: string[] = [];
  let next: string | null = null;
  do {
    const page: Feed = await ranked(people.ben, all, { limit: 7, after: next });
    assert.deepEqual(
      page.items.map(({ position }) => position),
      page.items.map((_, i) => paged.length + i + 1),
    );
    paged.push(...ids(page));
    next = page.next;
    await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.eve, paged[0]]);
  } while (next);
  assert.deepEqual(paged, whole);
  assert.equal(whole.length, 30);
  const young = await ranked(people.ben, all, { filter: { max_age_days: 1 } });
  assert.deepEqual(
    ids(young),
    whole.filter((id) => Number(id.slice(-12)) < 24),
  );
});

test("all are ranked, also of somebody who follows topics and people, who then leave no one out", async () => {
  await pool.query(
    "update public.posts set tags = '{rail}', created_at = now() - interval '1 minute' where right(title, 1) = '1'",
  );
  await pool.query(
    `insert into public.posts (author_id, title, tags, created_at) select $1, 'filler', '{rail}', now() - n * interval '1 second' from generate_series(1, 60) as n`,
    [people.author],
  );
  await pool.query(
    "insert into public.follows (user_id, kind, target) values ($1, 'topic', 'rail'), ($1, 'person', $2)",
    [people.ben, people.author],
  );
  const { rows } = await pool.query("select id from public.posts where visibility = 'public'");
  const all = await ranked(
    people.ben,
    rows.map(({ id }) => id),
  );
  assert.equal(all.items.length, 90);
  assert.deepEqual(all.items[0].why, { kind: "follows_author", author_id: people.author });
});

test("what no model ranks keeps the order of the app's search, and says so where something failed", async () => {
  const found = [3, 2, 30, 1].map(post);
  const inOrder = async (degraded: string | null, who: string | null = people.ada) => {
    const feed = await ranked(who, [found[0], privatePost, ...found.slice(1)], { limit: 3 });
    assert.deepEqual(
      [ids(feed), feed.model, feed.mode, feed.degraded, feed.basis],
      [found.slice(0, 3), null, "candidates", degraded, "community"],
    );
    assert.deepEqual(
      feed.items.map(({ score }) => score),
      [1, 1 / 3, 1 / 4],
    );
    const rest = await ranked(who, [found[0], privatePost, ...found.slice(1)], { limit: 3, after: feed.next });
    assert.deepEqual([ids(rest), rest.next], [found.slice(3), null]);
  };
  const notOnnx = new TextEncoder().encode("this is no graph");
  await publishTinyModel(pool, { name: "no ranker", graphs: { ...tinyGraphs(), dlrm: notOnnx } });
  await inOrder("unranked");
  await publishTinyModel(pool, { name: "no tower", graphs: { ...tinyGraphs(), user_tower: notOnnx } });
  await inOrder("unranked");
  await inOrder("unranked", null);
  await pool.query("update recsys.models set status = 'retired'");
  await inOrder(null);
  await inOrder(null, null);
});

test("it is logged as such: no report counts it, no training learns from it, and no trial", async () => {
  const feed = await ranked(people.ben, [1, 2].map(post));
  await app.settled();
  const { rows } = await pool.query(
    `select mode, source, position, propensity, explored, (select count(*)::int from recsys_engine.recommended_impressions) as chosen, (select count(*)::int from recsys_engine.exploration_impressions) as tried
     from recsys.impressions where request_id = $1 order by position`,
    [feed.request_id],
  );
  const row = { mode: "candidates", source: "candidates", propensity: null, explored: false, chosen: 0, tried: 0 };
  assert.deepEqual(rows, [
    { ...row, position: 1 },
    { ...row, position: 2 },
  ]);
  await app.call(people.ben, { limit: 2 });
  await app.settled();
  const { rows: after } = await pool.query("select mode from recsys_engine.recommended_impressions");
  assert.deepEqual(after, [{ mode: "live" }, { mode: "live" }]);
});

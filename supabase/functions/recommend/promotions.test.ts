/**
 * An operator's promotions: where they stand, to whom they are shown, what is said and logged of them, and what is
 * refused.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { communityFromDatabase } from "../../../trainer/data/replay/from-database.ts";
import { firstInteractionEvents } from "../../../trainer/models/ranker/requests.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "promotions");
const { pool, url } = database;
const app = testApp({ after }, url);

beforeEach(async () => {
  await app.settled();
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("delete from recsys.promotions");
  await pool.query("update recsys.settings set requests_per_minute = null");
  // a worker looks every ten seconds whether there are any: one for no user is there all the time
  await promote({ post_id: post(1), place: 1, people: { user_ids: [uuid("f", 9)] } });
  app.logged.length = 0;
});

async function promote(columns: Record<string, unknown>): Promise<number> {
  const { rows } = await pool.query(
    `insert into recsys.promotions (name, post_id, filter, place, factor, people, starts_at, ends_at, per_person_and_day)
     select coalesce(name, 'Pinned'), post_id, filter, place, factor, people, coalesce(starts_at, now() - interval '1 minute'), coalesce(ends_at, now() + interval '1 day'), per_person_and_day
     from jsonb_populate_record(null::recsys.promotions, $1) returning promotion_id::int as id`,
    [JSON.stringify(columns)],
  );
  return rows[0].id;
}

async function feedOf(who: string | null, more: object = {}): Promise<Feed> {
  const request = { limit: 6, ...more };
  const { status, body } = await (who === null ? app.visit(request) : app.call(who, request));
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}
const numbers = ({ items }: Feed) => items.map(({ post_id }) => Number(post_id.slice(-12)));
/** Where promoted posts stand, and as what. */
const promoted = ({ items }: Feed) =>
  items.flatMap(({ promoted, position }) => (promoted ? [[position, promoted]] : []));

test("an editor pins a post for a day: it stands there for everybody, said and logged, and then no more", async () => {
  const plain = numbers(await feedOf(people.ben));
  assert.deepEqual(plain, [1, 3, 5, 7, 9, 11]);
  const id = await promote({ name: "Editors' choice", post_id: post(20), place: 2 });
  const bens = await feedOf(people.ben);
  assert.deepEqual(numbers(bens), [1, 20, 3, 5, 7, 9]);
  assert.deepEqual(bens.items[1].why, { kind: "promoted" });
  assert.deepEqual(promoted(bens), [[2, "Editors' choice"]]);
  assert.ok(bens.items[1].predictions, "the model says of it what it says of all");
  const next = await feedOf(people.ben, { after: bens.next });
  assert.deepEqual(
    [numbers(next), promoted(next)],
    [[11, 13, 15, 17, 19, 21], []],
    "it comes once, and nothing is lost to it",
  );
  assert.equal(numbers(await feedOf(null))[1], 20, "visitors, too");
  assert.equal(
    numbers(await feedOf(people.ben, { filter: { author_ids: [people.eve] } })).length,
    0,
    "what a reader asks for holds",
  );
  await app.settled();
  const { rows } = await pool.query(
    "select position, promotion_id::int, propensity, explored from recsys.impressions where request_id = $1 and promotion_id is not null",
    [bens.request_id],
  );
  assert.deepEqual(rows, [{ position: 2, promotion_id: id, propensity: null, explored: false }]);
  const { rows: counted } = await pool.query(
    "select count(*)::int as posts from recsys_engine.recommended_impressions where request_id = $1",
    [bens.request_id],
  );
  assert.equal(counted[0].posts, 5, "reports leave it out");
  const { rows: tried } = await pool.query("select from recsys_engine.exploration_impressions where post_id = $1", [
    post(20),
  ]);
  assert.equal(tried.length, 0);
  // seen it stays, dismissed it goes
  await pool.query("update recsys.impressions set seen_at = now() where post_id = $1", [post(20)]);
  assert.equal(numbers(await feedOf(people.ben))[1], 20);
  await pool.query(
    "update recsys.promotions set ends_at = now() - interval '1 second', starts_at = now() - interval '1 day' where promotion_id = $1",
    [id],
  );
  assert.deepEqual(numbers(await feedOf(people.ben)).includes(20), false);
  assert.deepEqual(app.logged, []);
});

test("a reader gets no promoted post that they may not read, muted, dismissed, wrote or interacted with", async () => {
  await promote({ post_id: privatePost, place: 1 });
  await promote({ post_id: uuid("f", 1), place: 2 });
  const deleted = await promote({ post_id: post(21), place: 1 });
  await pool.query("delete from public.posts where id = $1", [post(21)]);
  assert.deepEqual(promoted(await feedOf(people.ben)), []);
  await promote({ post_id: post(20), place: 1 });
  for (const [hide, show] of [
    [
      "insert into public.mutes (user_id, kind, value) values ($1, 'word', 'Post 20')",
      "delete from public.mutes where user_id = $1",
    ],
    [
      `insert into public.mutes (user_id, kind, value) values ($1, 'person', '${people.author}')`,
      "delete from public.mutes where user_id = $1",
    ],
    [
      `insert into recsys.dismissals values ($1, '${post(20)}', now())`,
      "delete from recsys.dismissals where user_id = $1",
    ],
    [
      `insert into public.post_views (user_id, post_id) values ($1, '${post(20)}')`,
      "delete from public.post_views where user_id = $1",
    ],
    [
      `update public.posts set author_id = $1 where id = '${post(20)}'`,
      `update public.posts set author_id = '${people.author}' where author_id = $1`,
    ],
  ]) {
    assert.equal(numbers(await feedOf(people.ben))[0], 20);
    await pool.query(hide, [people.ben]);
    assert.deepEqual(promoted(await feedOf(people.ben)), [], hide);
    await pool.query(show, [people.ben]);
  }
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(20)]);
  assert.deepEqual(promoted(await feedOf(people.ben)), [], "a policy decides between two feeds");
  assert.ok(deleted);
});

test("a factor lifts and lowers, by what the model says of each, and a filter picks the posts", async () => {
  await pool.query("update public.posts set tags = '{Rail}' where id = any($1)", [[12, 14].map(post)]);
  await promote({ name: "About rail", filter: { tags: ["rail"] }, factor: 100 });
  const lifted = await feedOf(people.ben);
  assert.deepEqual(numbers(lifted), [12, 14, 1, 3, 5, 7]);
  assert.deepEqual(promoted(lifted), [
    [1, "About rail"],
    [2, "About rail"],
  ]);
  assert.notEqual(lifted.items[0].why.kind, "promoted", "why it is there is what else speaks for it");
  await promote({ post_id: post(1), factor: 0.01 });
  assert.deepEqual(numbers(await feedOf(people.ben)), [12, 14, 3, 5, 7, 9]);
  await promote({ name: "The newer", filter: { tags: ["rail"] }, factor: 0.01 });
  assert.deepEqual(numbers(await feedOf(people.ben)), [3, 5, 7, 9, 11, 13], "of two the newer holds");
  await promote({ name: "One of them", filter: { tags: ["rail"], author_ids: [people.author] }, place: 3 });
  const pinned = await feedOf(people.ada);
  assert.deepEqual(
    promoted(pinned).find(([place]) => place === 3),
    [3, "One of them"],
  );
  await promote({ name: "Everything", filter: { max_age_days: 36500 }, factor: 2 });
  assert.equal((await feedOf(people.ben, { limit: 30 })).items.length, 30, "a filter that lets all in is no harm");
});

test("two pins for one place: the newer has it and the older the next; a short feed has its pin at the end", async () => {
  await promote({ name: "older", post_id: post(20), place: 2 });
  await promote({ name: "newer", post_id: post(22), place: 2 });
  assert.deepEqual(promoted(await feedOf(people.ben)), [
    [2, "newer"],
    [3, "older"],
  ]);
  await promote({ name: "same post", post_id: post(22), place: 5 });
  assert.deepEqual(promoted(await feedOf(people.ben)), [
    [2, "older"],
    [5, "same post"],
  ]);
  await pool.query("delete from recsys.promotions");
  await promote({ post_id: post(20), place: 90 });
  const all = await feedOf(people.ben, { limit: 100 });
  assert.deepEqual([promoted(all), all.items.length], [[[30, "Pinned"]], 30]);
});

test("page by page each post comes once, whatever is pinned before or behind, and the feed ends", async () => {
  const pages = async (limit: number) => {
    const shown: number[][] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const feed = await feedOf(people.ben, { limit, ...(after && { after }) });
      shown.push(numbers(feed));
      assert.ok(shown.length <= 30, JSON.stringify(shown));
      after = feed.next;
    }
    assert.equal(new Set(shown.flat()).size, 30);
    return shown;
  };
  await pool.query("update public.posts set tags = '{rail}' where id = any($1)", [[12, 14, 16].map(post)]);
  await promote({ filter: { tags: ["rail"], author_ids: [people.author] }, place: 1 });
  assert.equal((await pages(10))[0][0], 12);
  await promote({ post_id: post(1), place: 90 });
  assert.equal((await pages(10)).flat().at(-1), 1);
  await pages(1);
});

test("only for whom it is: by id, by passion, by when they signed up; and so often a day", async () => {
  const shownTo = async () => {
    const shown: string[] = [];
    for (const [name, id] of [...Object.entries(people), ["visitor", null] as const])
      if (promoted(await feedOf(id)).length > 0) shown.push(name);
    return shown.join(" ");
  };
  const other = async (columns: Record<string, unknown>) => {
    await pool.query("delete from recsys.promotions");
    await pool.query("update public.posts set author_id = null where id = $1", [post(20)]);
    await promote({ post_id: post(20), place: 1, ...columns });
    return await shownTo();
  };
  assert.equal(await other({}), "ada ben eve author visitor");
  assert.equal(await other({ people: { user_ids: [people.ben, people.eve] } }), "ben eve");
  assert.equal(await other({ people: { passions: ["CHESS"] } }), "ada");
  assert.equal(await other({ people: { passions: ["CHESS"], user_ids: [people.ben] } }), "");
  assert.equal(await other({ people: { signed_up_days: 30 } }), "");
  await pool.query("update public.profiles set created_at = now() where id = $1", [people.eve]);
  assert.equal(await other({ people: { signed_up_days: 30 } }), "eve");
  // a day's share
  await pool.query("update public.profiles set created_at = now() - interval '90 days'");
  await other({ per_person_and_day: 2, people: { user_ids: [people.ada] } });
  await app.settled();
  const again = async () => {
    const feed = await feedOf(people.ada);
    await app.settled();
    return promoted(feed).length;
  };
  assert.deepEqual([await again(), await again(), await again()], [1, 0, 0], "one was shown before");
  assert.equal(
    await other({ per_person_and_day: 1 }),
    "ada ben eve author",
    "visitors are not counted, so they get none",
  );
  assert.deepEqual(app.logged, []);
});

test("what makes no sense is refused when it is written", async () => {
  for (const columns of [
    { post_id: post(1), place: 0 },
    { post_id: post(1), place: 101 },
    { post_id: post(1), factor: 0 },
    { post_id: post(1), factor: -1 },
    { post_id: post(1), factor: 1e9 },
    { post_id: post(1), place: 1, factor: 2 },
    { post_id: post(1) },
    { place: 1 },
    { post_id: post(1), filter: { tags: ["x"] }, place: 1 },
    { filter: {}, place: 1 },
    { filter: { tag: ["x"] }, place: 1 },
    { filter: { max_age_days: "soon" }, place: 1 },
    { filter: [1], place: 1 },
    ...[null, [], [null], [[1]], [""], ["x".repeat(101)], Array(51).fill("x"), "x"].map((tags) => ({
      ...{ filter: { tags }, place: 1 },
    })),
    ...[0, -5, 1.5, 36501, 1e9, null, "1"].map((max_age_days) => ({ filter: { max_age_days }, place: 1 })),
    { filter: { author_ids: ["ada"] }, place: 1 },
    { filter: { languages: ["??"] }, place: 1 },
    ...[{ tags: ["rail"] }, { max_age_days: 1 }, { languages: ["en"] }].map((filter) => ({ filter, place: 1 })),
    { post_id: post(1), place: 1, people: {} },
    { post_id: post(1), place: 1, people: { users: [] } },
    { post_id: post(1), place: 1, people: { user_ids: ["ada"] } },
    ...["x", -1, null, 1e9].map((signed_up_days) => ({
      ...{ post_id: post(1), place: 1, people: { user_ids: [people.ada], signed_up_days } },
    })),
    { post_id: post(1), place: 1, people: { passions: [null] } },
    { post_id: post(1), place: 1, name: " " },
    { post_id: post(1), place: 1, per_person_and_day: 0 },
    { post_id: post(1), place: 1, name: "" },
    { post_id: post(1), place: 1, ends_at: "2020-01-01", starts_at: "2021-01-01" },
  ])
    await assert.rejects(promote(columns), { code: /^2[23]/ }, JSON.stringify(columns));
});

test("fifty newer ones for somebody else take none from a reader; who saw more than is logged gets none with a cap", async () => {
  await promote({ post_id: post(20), place: 1, per_person_and_day: 5 });
  await pool.query(
    `insert into recsys.promotions (name, post_id, place, people, ends_at)
     select 'For eve', $1, 1, jsonb_build_object('user_ids', array[$2]), 'infinity' from generate_series(1, 60)`,
    [post(2), people.eve],
  );
  assert.deepEqual(promoted(await feedOf(people.ben)), [[1, "Pinned"]]);
  await app.settled();
  await pool.query(
    "insert into recsys_engine.user_days (user_id, impressions) values ($1, 5000) on conflict (user_id, day) do update set impressions = 5000",
    [people.ben],
  );
  assert.deepEqual(promoted(await feedOf(people.ben)), []);
});

test("pages of search, of experiments and of lots keep their rules, and no training learns from what was promoted", async () => {
  await promote({ post_id: post(20), place: 1 });
  const search = await feedOf(people.ben, { candidates: [post(20), post(1)] });
  assert.deepEqual([numbers(search), promoted(search)], [[1, 20], []]);
  await pool.query("update recsys.settings set drawn_share = 1");
  const drawn = await feedOf(people.ben);
  await app.settled();
  assert.deepEqual(promoted(drawn), [[1, "Pinned"]]);
  const { rows } = await pool.query(
    "select position, propensity is null as unknown from recsys.impressions where request_id = $1 order by position",
    [drawn.request_id],
  );
  assert.deepEqual(
    rows.map(({ unknown }) => unknown),
    [true, false, false, false, false, false],
  );
  await pool.query("update recsys.settings set drawn_share = 0");
  await pool.query(
    "insert into public.post_views (user_id, post_id, created_at) values ($1, $2, now() + interval '1 second'), ($1, $3, now() + interval '1 second')",
    [people.ben, post(20), post(1)],
  );
  await pool.query("select pg_sleep(1.1); select recsys.roll_up()");
  const { community, timeline } = await communityFromDatabase(database);
  const learned = firstInteractionEvents(community, timeline, Number.POSITIVE_INFINITY);
  const bens = Array.from(learned, (event) => [
    community.users.ids[timeline.users[event]],
    community.posts.ids[timeline.posts[event]],
  ]).filter(([user]) => user === people.ben);
  assert.deepEqual(bens, [[people.ben, post(1)]]);
});

test("what one would change is previewed by the pages of the last day", async () => {
  for (const who of [people.ada, people.ben, people.eve]) await feedOf(who);
  await app.settled();
  const preview = async (columns: Record<string, unknown>) => {
    const { rows } = await pool.query("select figure, value, count::int from recsys.preview_promotion($1)", [
      await promote(columns),
    ]);
    return rows.map(({ value, count }) => [value, count]);
  };
  // ada's page has even posts, those of the others odd ones
  assert.deepEqual(await preview({ post_id: post(3), place: 1 }), [
    [1, 1],
    [3, 3],
    [1, 3],
    [2 / 3, 3],
    [2, 2],
    [1, 2],
  ]);
  assert.deepEqual(await preview({ post_id: post(3), factor: 50 }), [
    [1, 1],
    [3, 3],
    [1, 3],
    [2 / 3, 3],
    [2, 2],
    [1, 2],
  ]);
  assert.deepEqual(await preview({ post_id: privatePost, place: 4 }), [
    [1, 1],
    [3, 3],
    [0, 3],
    [0, 3],
    [null, 0],
    [4, 0],
  ]);
  assert.deepEqual(
    (await preview({ filter: { max_age_days: 1 }, factor: 2, people: { user_ids: [people.eve] } })).slice(0, 3),
    [
      [24, 24],
      [1, 1],
      [1, 1],
    ],
  );
  // whom a mute, or its author, keeps from it
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'Post 3')", [people.ben]);
  await pool.query("insert into public.withheld (author_id, post_id) values ($1, $2)", [people.author, post(5)]);
  await pool.query("insert into public.follows (user_id, kind, target, created_at) values ($1, 'person', $2, now())", [
    people.ada,
    people.author,
  ]);
  const maySee = async (columns: object) => (await preview({ place: 1, ...columns }))[2];
  assert.deepEqual(await maySee({ post_id: post(3) }), [2 / 3, 3]);
  assert.deepEqual(await maySee({ post_id: post(5) }), [1 / 3, 3], "those who follow its author");
  // a feed of follows has no promotions, and of whom nothing is read no dismissal keeps one away
  const feedIs = (kind: string, who: string) =>
    pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', $2)", [who, kind]);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.eve, post(9)]);
  const [kept, of] = await maySee({ post_id: post(9) });
  await feedIs("impersonal", people.eve);
  assert.deepEqual(await maySee({ post_id: post(9) }), [(kept as number) + 1 / of, of]);
  await feedIs("following", people.ben);
  assert.equal((await maySee({ post_id: post(9) }))[1], of - 1);
  await pool.query("delete from public.preferences; delete from recsys.dismissals");
  // pages that have it since it is promoted did not have it anyway
  const had = async (columns: object) => (await preview({ place: 1, ...columns }))[3];
  const [before] = await had({ post_id: post(7) });
  const id = await promote({ post_id: post(7), place: 1 });
  for (const who of [people.ada, people.ben, people.eve]) await feedOf(who);
  await app.settled();
  const { rows } = await pool.query("select value from recsys.preview_promotion($1) offset 3 limit 1", [id]);
  assert.ok(rows[0].value <= before, `${rows[0].value} of pages had it, and ${before} before it was promoted`);
  await assert.rejects(pool.query("select recsys.preview_promotion(0)"), { code: "P0002" });
});

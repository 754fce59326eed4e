/**
 * People and topics that a user might follow: from their interactions, and from the follows of those they follow, as
 * far as they may read these.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "to_follow");
// an app whose people may hide themselves
await pool.query(`create policy "the hidden are not read" on public.profiles as restrictive for select to authenticated
  using (bio <> 'hidden' or id = (select auth.uid()))`);
const { call } = testApp({ after }, url);
let model: number;

beforeEach(async () => {
  await clear(pool);
  await pool.query("delete from recsys_engine.similar_people");
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "tiny" });
});

/** The suggestions for a user, by person or name. */
async function toFollow(userId: string, of: "people" | "topics" | "groups", limit = 10) {
  const { status, body } = await call(userId, { find: `${of}_to_follow`, limit });
  assert.equal(status, 200);
  return Object.fromEntries(body.items.map(({ user_id, topic, group, why }) => [user_id ?? topic ?? group, why]));
}
const follow = (userId: string, kind: string, ...targets: string[]) =>
  pool.query("insert into public.follows (user_id, kind, target) select $1, $2, unnest($3::text[])", [
    userId,
    kind,
    targets,
  ]);
const ofTwo = { kind: "came_to_posts", posts: 2 };

test("whom to follow: authors of what one interacted with, without those whom one follows, muted or may not read", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  assert.deepEqual(await toFollow(people.ada, "people"), { [people.author]: ofTwo });
  assert.deepEqual(await toFollow(people.ben, "people"), {}, "who did nothing");
  assert.deepEqual(await toFollow(people.author, "people"), {}, "nobody follows themselves");
  await follow(people.ada, "person", people.author);
  assert.deepEqual(await toFollow(people.ada, "people"), {});
  await pool.query("delete from public.follows");
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [
    people.ada,
    people.author,
  ]);
  assert.deepEqual(await toFollow(people.ada, "people"), {});
  await pool.query("delete from public.mutes");
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(28)]);
  assert.deepEqual(
    await toFollow(people.ada, "people"),
    { [people.author]: { ...ofTwo, posts: 1 } },
    "of what she may read",
  );
  await pool.query("update public.profiles set bio = 'hidden' where id = $1", [people.author]);
  assert.deepEqual(await toFollow(people.ada, "people"), {});
  const { status, body } = await call(uuid("f", 9), { find: "people_to_follow" });
  assert.deepEqual([status, body.error?.code], [404, "unknown_user"]);
});

test("follows of others are told of where the app lets them be read, and name nobody else", async (t) => {
  await follow(people.eve, "person", people.ben);
  await follow(people.ben, "person", people.author, people.eve);
  await follow(people.ben, "topic", "Chess");
  const both = async () => ({ ...(await toFollow(people.eve, "people")), ...(await toFollow(people.eve, "topics")) });
  assert.deepEqual(await both(), {}, "the example app's are private");
  t.after(() => pool.query("drop policy open on public.follows"));
  await pool.query("create policy open on public.follows for select to authenticated using (true)");
  const why = { kind: "followed_by", people: [people.ben] };
  assert.deepEqual(await both(), { [people.author]: why, Chess: why });
  await follow(people.eve, "topic", "chess");
  assert.deepEqual(await both(), { [people.author]: why });
  await pool.query("update public.profiles set bio = 'hidden' where id = $1", [people.ben]);
  assert.deepEqual(await both(), {}, "she follows somebody whom she may not read any more");
});

test("topics to follow are those of what one interacted with, the most frequent first, without those followed or muted", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  await pool.query("update public.posts set tags = '{Chess,go}' where id = $1", [post(28)]);
  await pool.query("update public.posts set tags = '{chess,secret}' where id = $1", [post(30)]);
  const found = await toFollow(people.ada, "topics");
  assert.deepEqual(Object.values(found), [ofTwo, ...Array(2).fill({ ...ofTwo, posts: 1 })]);
  assert.deepEqual(
    Object.keys(found).map((topic) => topic.toLowerCase()),
    ["chess", "go", "secret"],
  );
  assert.deepEqual(Object.keys(await toFollow(people.ada, "topics", 1)).length, 1);
  await follow(people.ada, "topic", "CHESS");
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'topic', 'Go')", [people.ada]);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(30)]);
  assert.deepEqual(await toFollow(people.ada, "topics"), {});
});

test("groups to follow are those of followed users, and tags of the caller's history that a readable user follows as a group", async (t) => {
  t.after(() => pool.query("delete from public.mutes; drop policy if exists open on public.follows"));
  await pool.query("update public.posts set tags = '{Rowers,go}' where id = $1", [post(28)]);
  await pool.query("update public.posts set tags = '{rowers,singers}' where id = $1", [post(30)]);
  await follow(people.eve, "group", "ROWERS", "singers", "cooks");
  await follow(people.eve, "topic", "go");
  assert.deepEqual(await toFollow(people.ada, "groups"), {}, "the example app's follows are private");
  await pool.query("create policy open on public.follows for select to authenticated using (true)");
  assert.deepEqual(Object.entries(await toFollow(people.ada, "groups")), [
    ["ROWERS", ofTwo],
    ["singers", { ...ofTwo, posts: 1 }],
  ]);
  assert.equal(Object.keys(await toFollow(people.ada, "groups", 1)).length, 1);
  await follow(people.ada, "person", people.eve);
  const byEve = { kind: "followed_by", people: [people.eve] };
  assert.deepEqual((await toFollow(people.ada, "groups")).cooks, byEve);
  assert.deepEqual((await toFollow(people.ada, "topics")).cooks, undefined, "it is no topic");
  // the name of a group that one follows as a topic says nothing new
  await follow(people.ada, "topic", "Rowers");
  await follow(people.ada, "group", "Singers");
  assert.deepEqual(await toFollow(people.ada, "groups"), { cooks: byEve });
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'topic', 'Cooks')", [people.ada]);
  assert.deepEqual(await toFollow(people.ada, "groups"), {});
});

test("no topic and no group to follow has a muted word in its name", async (t) => {
  t.after(() => pool.query("delete from public.mutes; drop policy if exists open on public.follows"));
  await pool.query("update public.posts set tags = '{Guitar,guitars,chess}' where id = $1", [post(28)]);
  await pool.query("create policy open on public.follows for select to authenticated using (true)");
  await follow(people.ada, "person", people.eve);
  await follow(people.eve, "topic", "café guitar");
  await follow(people.eve, "group", "Guitar club", "choir");
  const named = async (of: "topics" | "groups") => Object.keys(await toFollow(people.ada, of)).sort();
  assert.deepEqual(await named("topics"), ["Guitar", "café guitar", "chess", "guitars"]);
  assert.deepEqual(await named("groups"), ["Guitar club", "choir"]);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'guitar')", [people.ada]);
  assert.deepEqual([await named("topics"), await named("groups")], [["chess", "guitars"], ["choir"]]);
  await pool.query("update public.mutes set value = 'CAFE'");
  assert.deepEqual(await named("topics"), ["Guitar", "chess", "guitars"]);
});

test("places that are left go to people like the caller, without those whom they follow", async () => {
  const crowd = Array.from({ length: 12 }, (_, i) => uuid("d", i + 1));
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [crowd]);
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, id, extensions.l2_normalize((array[1, place / 100.0] || array_fill(0, array[30])::numeric[])::extensions.vector)
     from unnest($2::uuid[]) with ordinality as person (id, place)`,
    [model, [people.ada, ...crowd]],
  );
  await follow(people.ada, "person", crowd[0]);
  const found = await toFollow(people.ada, "people", 100);
  const alike = Object.fromEntries(crowd.slice(1).map((id) => [id, { kind: "similar" }]));
  assert.deepEqual(found, { [people.author]: ofTwo, ...alike });
  assert.deepEqual(Object.keys(await toFollow(people.ada, "people", 2)).length, 2);
  await pool.query("delete from public.profiles where id = any ($1)", [crowd.slice(0, 3)]);
  assert.deepEqual(await toFollow(people.ada, "people"), { [people.author]: ofTwo }, "fewer than ten are nobody");
});

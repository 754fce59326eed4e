/** A followed topic, or a group that posts have among their tags, brings its newest posts, as far as the reader may see them, next to those of people, however busy either is. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import type { Connection } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { partialSources, sources } from "../_shared/features/retrieval.ts";
import { emptyServedState } from "../_shared/recommend/request/cursor.ts";
import { retrieve } from "../_shared/recommend/sources/retrieve.ts";

const { pool, url } = await testDatabase({ after }, "followed_topics");
const connections = openPool(url, () => undefined);
after(() => connections.end());

// 40 people wrote 400 posts on go and 100 on chess, every tenth of them private; the quiet one wrote one long before, and 300 newer ones are on nothing
await pool.query(`
  insert into public.profiles (id, created_at) select md5('person ' || n)::uuid, now() - interval '400 days' from generate_series(0, 40) as n;
  insert into public.posts (author_id, title, tags, visibility, created_at)
  select md5('person ' || 1 + n % 39)::uuid, 'go ' || n, '{Go}'::text[], case n % 10 when 0 then 'private' else 'public' end, now() - n * interval '1 hour' - interval '20 days' from generate_series(1, 400) as n
  union all
  select md5('person ' || 1 + n % 39)::uuid, 'chess ' || n, '{chess,games}', 'public', now() - n * interval '1 hour' - interval '100 days' from generate_series(1, 100) as n
  union all
  select md5('person ' || 1 + n % 39)::uuid, 'other ' || n, '{}', 'public', now() - n * interval '1 minute' from generate_series(1, 300) as n
  union all
  select md5('person 40')::uuid, 'quiet', '{}', 'public', now() - interval '300 days';
  select recsys.roll_up()`);
const [{ reader, quiet }] = (
  await pool.query("select md5('person 0')::uuid as reader, md5('person 40')::uuid as quiet")
).rows;

async function followed(filter?: { tags: string[] }, sub = reader) {
  const client: Connection = await connections.connect();
  try {
    await client.query("begin read only");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub, role: "authenticated" }),
    ]);
    const asked = { modelId: null, vector: null, page: { served: emptyServedState(), filter }, common: null };
    const found = (await retrieve(client, { sub, role: "authenticated" }, asked))?.posts ?? [];
    assert.ok(
      found.every(
        ({ ranks }) =>
          Object.keys(ranks).length === Object.keys(sources).length &&
          Object.values(ranks).some((rank) => rank !== null),
      ),
    );
    const listed = found.filter(({ ranks }) => ranks.followed !== null);
    return listed.sort((a, b) => Number(a.ranks.followed) - Number(b.ranks.followed));
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const follow = (kind: string, target: string, at = "now()") =>
  pool.query(`insert into public.follows (user_id, kind, target, created_at) values ($1, $2, $3, ${at})`, [
    reader,
    kind,
    target,
  ]);
const titles = (found: { title: string }[]) => found.map(({ title }) => title);

test("the newest posts of a followed topic are there that no other source brings, except hidden ones, and a quiet person's with them", async () => {
  assert.deepEqual(await followed(), []);
  await follow("topic", "go");
  const newest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22].map((n) => `go ${n}`);
  assert.deepEqual(titles(await followed()), newest);
  assert.equal(newest.length, partialSources.topic.size);
  await follow("person", quiet);
  assert.deepEqual(titles(await followed()), ["quiet", ...newest]);
  await follow("group", "CHESS");
  assert.deepEqual(titles(await followed()).slice(0, 5), ["quiet", "go 1", "chess 1", "go 2", "chess 2"]);
  assert.ok(
    (await followed()).every(({ title, followed_topic }) =>
      title.startsWith((followed_topic ?? "quiet").toLowerCase()),
    ),
  );
});

test("the score of a post of a followed topic counts twice, and of others once", async () => {
  const found = await followed();
  assert.deepEqual(
    found.map(({ followed_topic, leaning }) => [followed_topic === null, leaning]),
    found.map(({ title }) => (title === "quiet" ? [true, 1] : [false, 2])),
  );
});

test("with a filter it brings what passes; muted, dismissed and unfollowed, nothing", async () => {
  assert.ok(titles(await followed({ tags: ["games"] })).every((title) => title.startsWith("chess")));
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'topic', 'games')", [reader]);
  assert.ok(!titles(await followed()).some((title) => title.startsWith("chess")));
  await pool.query(
    "insert into recsys.dismissals (user_id, post_id, created_at) select $1, id, now() - interval '1 second' from public.posts where title = 'go 1'",
    [reader],
  );
  assert.deepEqual(titles(await followed()).slice(0, 3), ["quiet", "go 2", "go 3"]);
  await pool.query("delete from public.follows where kind <> 'person'");
  assert.deepEqual(titles(await followed()), ["quiet"]);
});

test("nobody gets what others follow, and who followed a topic tomorrow gets nothing today", async () => {
  await follow("topic", "go");
  assert.deepEqual(await followed(undefined, quiet), []);
  await pool.query("update public.follows set created_at = now() + interval '1 day' where kind = 'topic'");
  assert.deepEqual(titles(await followed()), ["quiet"]);
  await pool.query("delete from public.follows");
});

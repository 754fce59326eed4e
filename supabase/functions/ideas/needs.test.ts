/** Needs never show posts of newcomers where newcomers are few, nor an order that a few accounts made. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { uuid } from "../../../testing/community.ts";
import { fillForms, publishTopics, reader, testApp, writers } from "../../../testing/ideas.ts";
import { anonymityThreshold } from "../_shared/ideas/find-needs.ts";

const { pool, url } = await testDatabase({ after }, "needs");
await pool.query("update recsys.settings set requests_per_minute = null");
const scope = { after };
/** Each with a worker of its own, and nothing kept. */
const ask = async (userId: string) => {
  await pool.query("delete from recsys_engine.idea_pool");
  return await testApp(scope, url).call(userId, {});
};

test("a newcomer's post is named nowhere, nor is any for the views of nine", async () => {
  const { rows } = await pool.query("select recsys_engine.anonymity_threshold()");
  assert.equal(anonymityThreshold, rows[0].anonymity_threshold);
  await fillForms(pool);
  const strangers = Array.from({ length: 10 }, (_, n) => uuid("f", n));
  await pool.query(
    "insert into public.profiles (id, created_at) select unnest($1::uuid[]), now() - interval '1 year'",
    [strangers],
  );
  await publishTopics(pool);
  await pool.query(
    `insert into public.comments (user_id, post_id, body, created_at)
     select $1, posts.id, 'Thanks', posts.created_at + interval '2 days' from public.posts where posts.title ~ '^(How safe|What to see)' and posts.title !~ 'Lima'`,
    [writers[10]],
  );
  // posts count as a newcomer's for a week
  for (const table of ["posts", "post_votes", "comments"])
    await pool.query(`update public.${table} set created_at = created_at + interval '14 days 6 hours'`);
  const { needs, items } = (await ask(reader)).body;
  const named = [...needs.flatMap(({ posts }) => posts), ...items[0].inspired_by].map(({ post_id }) => post_id);
  assert.ok(named.length > 5);
  await pool.query(
    `with newcomer as (insert into public.profiles (id, created_at) values ($2, now() - interval '6 days')),
       theirs as (update public.posts set author_id = $2 where id = any ($1))
     insert into recsys_engine.usual_newcomers values (true, 0.1, recsys.clock()) on conflict (only_row) do update set share = 0.1`,
    [named, uuid("f", 99)],
  );
  const stored = (await testApp(scope, url).call(reader, {})).body;
  const again = (await ask(reader)).body;
  for (const body of [stored, again]) for (const id of named) assert.ok(!JSON.stringify(body).includes(id));
  assert.ok(
    again.needs.some(({ kind }) => kind === "unanswered"),
    "of others there are needs",
  );
  await pool.query("update recsys_engine.usual_newcomers set share = 1");
  assert.deepEqual((await ask(reader)).body.needs, needs);
  // the last of those that wait, without interactions
  const [last] = again.needs[0].posts.slice(-1);
  const push = (people: string[]) =>
    pool.query(
      "insert into public.post_views (user_id, post_id, created_at) select unnest($1::uuid[]), id, created_at + interval '1 hour' from public.posts where id = $2",
      [people, last.post_id],
    );
  const places = async () =>
    (await ask(reader)).body.needs[0].posts.findIndex(({ post_id }) => post_id === last.post_id);
  const before = await places();
  await push(strangers.slice(0, 9));
  assert.equal(await places(), before);
  await push(strangers.slice(9));
  assert.equal(await places(), 0);
});

/** Posts that the app says are one conversation, such as those of the same link, come once in a feed. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { eitherDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel } from "../../../testing/community.ts";
import type { FeedItem } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const database = await eitherDatabase({ after }, "conversations");
const { pool, url } = database;
const same = [post(3), post(9), post(15), privatePost];
const link = "https://eat.example/lisbon?at=1#top";

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set requests_per_minute = null");
});

/** Each page that there is, one after the other. */
async function wholeFeed(app: ReturnType<typeof testApp>, who: string | null): Promise<FeedItem[]> {
  const items: FeedItem[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const request = { limit: 4, ...(after && { after }) };
    const { status, body } = await (who === null ? app.visit(request) : app.call(who, request));
    assert.deepEqual([status, body.degraded], [200, null]);
    items.push(...body.items);
    after = body.next;
  }
  return items;
}

test("posts of one link come once, with how many more their reader may read; a link elsewhere in a text is none", async (t) => {
  await pool.query(
    "update public.posts set description = case id when $2 then E'\\n ' || $3 else $3 || ' Worth it' end where id = any ($1)",
    [same, post(9), link],
  );
  await pool.query("update public.posts set description = 'See ' || $2 where id = any ($1)", [
    [post(4), post(10)],
    link,
  ]);
  for (const who of [people.ben, null]) {
    const items = await wholeFeed(testApp(t, url), who);
    const [one, ...others] = items.filter(({ post_id }) => same.includes(post_id));
    assert.deepEqual([one.folded, others.length], [2, 0], "the private one is none of them");
    assert.ok(items.every((item) => item === one || item.folded === undefined));
    assert.deepEqual(
      [post(4), post(10)].map((id) => items.filter(({ post_id }) => post_id === id).length),
      [1, 1],
    );
  }
});

test("answers are of the conversation that they answer, in an app that says so", async (t) => {
  await pool.query(`create table public.answers (answer_id uuid primary key, to_id uuid);
    alter table public.answers enable row level security;
    grant select on public.answers to authenticated, service_role`);
  const { rows } = await pool.query("select pg_get_viewdef('recsys.source_conversations'::regclass) as before");
  t.after(async () => {
    await pool.query(
      `create or replace view recsys.source_conversations with (security_invoker = true) as ${rows[0].before}`,
    );
    await pool.query("drop table public.answers");
  });
  await pool.query(`create or replace view recsys.source_conversations with (security_invoker = true) as
    select answer_id as post_id, to_id::text as conversation from public.answers
    union all select to_id, to_id::text from public.answers`);
  await pool.query("insert into public.answers select unnest($1::uuid[]), $2", [[post(2), post(5)], post(20)]);
  const app = testApp(t, url);
  const items = await wholeFeed(app, people.ben);
  const found = items.filter(({ post_id }) => [post(2), post(5), post(20)].includes(post_id));
  // the author's own: the best has the others, whichever is older
  assert.deepEqual([found.length, found[0].folded], [1, 2]);
  const { body } = await app.call(people.ben, { candidates: [post(2), post(5), post(20)] });
  assert.equal(body.items.length, 3, "who asks for posts by name gets each");
});

test("whoever makes an older post say what a newer one does takes it off no page", async (t) => {
  const places = async () => (await wholeFeed(testApp(t, url), people.ben)).map(({ post_id }) => post_id);
  // their numbers are their ages in hours, and ben has the odd ones first
  const [older, newer] = [post(29), post(2)];
  await pool.query("update public.posts set author_id = $2 where id = $1", [newer, people.eve]);
  const say = (id: string) => pool.query("update public.posts set description = $1 where id = $2", [link, id]);
  await say(newer);
  await pool.query("truncate recsys_engine.edited_posts");
  await say(older);
  assert.ok((await places()).includes(newer), "it was said later, though the post is older");
  await pool.query("truncate recsys_engine.edited_posts");
  assert.ok(!(await places()).includes(newer), "unless nobody knows that it was edited");
});

test("a worker that found no conversations at all knows of the first a moment later", async (t) => {
  const app = testApp(t, url);
  await wholeFeed(app, people.ben);
  const written = await pool.query(
    `insert into public.posts (author_id, title, description, created_at)
     select author, 'A post by ' || author, $1, now() - interval '1 minute' from unnest($2::uuid[]) as author returning id::text`,
    [link, [people.eve, people.author]],
  );
  const folded = async () => {
    const items = await wholeFeed(app, people.ben);
    return items.filter(({ post_id }) => written.rows.some(({ id }) => id === post_id)).map(({ folded }) => folded);
  };
  for (const end = performance.now() + 20_000; performance.now() < end; await setTimeout(500))
    if ((await folded()).length === 1) break;
  assert.deepEqual(await folded(), [1]);
});

test("where conversations cannot be read feeds come without them, and soon", async (t) => {
  await pool.query("update public.posts set description = $2 where id = any ($1)", [same, link]);
  const app = testApp(t, url);
  await pool.query("revoke select on recsys.source_conversations from service_role");
  t.after(() => pool.query("grant select on recsys.source_conversations to service_role"));
  const items = await wholeFeed(app, people.ben);
  assert.equal(items.filter(({ post_id }) => same.includes(post_id)).length, 3);
  assert.deepEqual(
    app.logged.map(({ code }) => code),
    ["conversations_failed"],
  );
});

/** Page after page of one feed: nothing comes twice, and everything comes, whatever is written in between. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { isFull } from "../../../testing/courses.ts";
import { runBatch } from "../../../trainer/batch/run-batch.ts";
import { cursorAfter, maxServedPosts, readCursor } from "../_shared/recommend/request/cursor.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

/** Posts besides those of `fillCommunity`, how many of all are read while others write, and how many a page then has. */
const [manyPosts, readPosts, perPage] = isFull ? [1470, 1000, 50] : [570, 360, 30];

const database = await testDatabase({ after }, "paging");
const { pool, url } = database;
const app = testApp({ after }, url);

before(async () => {
  await clear(pool);
  await fillCommunity(pool);
  // besides the 30 of `fillCommunity`: posts of 40 authors, one an hour, with 4,000 views of 40 people
  await pool.query(
    `insert into public.profiles (id, created_at)
     select format('0000000d-0000-4000-8000-%s', lpad(n::text, 12, '0'))::uuid, now() - interval '90 days' from generate_series(0, 39) as n`,
  );
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at)
     select format('0000000f-0000-4000-8000-%s', lpad(n::text, 12, '0'))::uuid, format('0000000d-0000-4000-8000-%s', lpad((n % 40)::text, 12, '0'))::uuid,
       'About ' || n, now() - n * interval '1 hour'
     from generate_series(1, ${manyPosts}) as n`,
  );
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select format('0000000d-0000-4000-8000-%s', lpad((n % 40)::text, 12, '0'))::uuid,
       format('0000000f-0000-4000-8000-%s', lpad((1 + n * 7919 % ${manyPosts})::text, 12, '0'))::uuid, now() - n % 900 * interval '1 minute'
     from generate_series(1, 4000) as n`,
  );
  await pool.query("select recsys.roll_up(null)");
});

async function publish(name: string): Promise<void> {
  const id = await publishTinyModel(pool, { name });
  await pool.query(
    `insert into recsys_engine.post_embeddings_${id} (model_id, post_id, embedding)
     select $1, posts.id, (
         select extensions.l2_normalize(array_agg(case i when n % 30 then 0.8 when n * 7 % 31 then 0.6 else 0 end)::extensions.vector)
         from generate_series(0, 31) as i
       )
     from (select id, row_number() over (order by id) as n from public.posts where id::text like '0000000f%') as posts`,
    [id],
  );
}

const ids = ({ items }: Feed) => items.map(({ post_id }) => post_id);

interface Asked {
  limit: number;
  mode?: "batch";
}

/** The pages of a feed until it ends or `posts` have come; `between` runs after each of them. */
async function scroll(
  user: string,
  asked: Asked,
  posts: number,
  between: (page: Feed) => Promise<void> = async () => {},
) {
  const pages: Feed[] = [];
  const seen = new Set<string>();
  let next: string | null = null;
  do {
    const { status, body } = await app.call(user, { ...asked, ...(next && { after: next }) });
    assert.equal(status, 200, JSON.stringify([body, app.logged]));
    for (const id of ids(body)) {
      assert.ok(!seen.has(id), `post ${id} came again on page ${pages.length + 1}`);
      seen.add(id);
    }
    pages.push(body);
    next = body.next;
    if (next !== null) await between(body);
  } while (next !== null && seen.size < posts);
  return { pages, seen };
}

async function eligible(user: string): Promise<Set<string>> {
  const { rows } = await pool.query(
    `select id from public.posts where visibility = 'public' and author_id is distinct from $1
       and id not in (select post_id from recsys.source_interactions where user_id = $1)`,
    [user],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Scrolls to `readPosts` posts of ada's while others write, vote, delete and hide. Returns the posts that were written during the first ten pages and shown. */
async function scrollAmidWrites(letter: string) {
  let page = 0;
  const [gone, written] = [new Set<string>(), new Set<string>()];
  const notServed = async (count: number, from: Set<string>) =>
    [...(await eligible(people.ada))].filter((id) => !from.has(id)).slice(-count);
  const served = new Set<string>();
  const { pages, seen } = await scroll(people.ada, { limit: perPage }, readPosts, async (feed) => {
    page++;
    for (const id of ids(feed)) {
      assert.ok(!gone.has(id), `${id} came though it was gone`);
      served.add(id);
    }
    const fresh = uuid(letter, page);
    written.add(fresh);
    await pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'New')", [fresh, people.author]);
    // what was served becomes popular, and would be on top again
    await pool.query(
      "insert into public.post_votes (user_id, post_id) select $1, unnest($2::uuid[]) on conflict do nothing",
      [people.ben, ids(feed).slice(0, 10)],
    );
    const [viewed, deleted, hidden] = await notServed(3, new Set([...served, ...written, ...gone]));
    for (const id of [viewed, deleted, hidden]) gone.add(id);
    await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ada, viewed]);
    await pool.query("delete from public.posts where id = any($1)", [[deleted, ids(feed)[0]]]);
    await pool.query("update public.posts set visibility = 'private' where id = $1", [hidden]);
    await pool.query("select recsys.roll_up()");
  });
  assert.equal(seen.size, readPosts);
  assert.ok(
    pages.every(({ items }) => items.length === perPage),
    "every page is full",
  );
  return [...written].slice(0, 10).filter((id) => seen.has(id));
}

test("without a model a feed brings every post once, then ends", async () => {
  for (const user of [people.ben, people.ada]) {
    const { pages, seen } = await scroll(user, { limit: 100 }, 10_000);
    assert.deepEqual(seen, await eligible(user));
    assert.ok(pages.slice(0, -1).every(({ items }) => items.length === 100));
    assert.deepEqual(
      pages.flatMap(({ items }) => items.map(({ position }) => position)),
      Array.from({ length: seen.size }, (_, i) => i + 1),
    );
  }
});

test("many posts while others write, vote, delete and hide, without a model: new posts are among them", async () => {
  assert.equal((await scrollAmidWrites("a1")).length, 10);
});

test("with a model too, to somebody new and to somebody with a history", async () => {
  await publish("pages");
  for (const user of [people.eve, people.ada]) {
    const { seen } = await scroll(user, { limit: 100 }, 10_000);
    assert.deepEqual(seen, await eligible(user));
  }
});

test("many posts while others write, vote, delete and hide, with a model", async () => {
  await scrollAmidWrites("a2");
});

test("after the list made ahead a feed goes on live", async () => {
  await pool.query("insert into public.logins (user_id) values ($1)", [people.ben]);
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  const { pages } = await scroll(people.ben, { limit: 20, mode: "batch" }, 200);
  const modes = pages.map(({ mode, items }) => `${mode} ${items.length}`);
  assert.deepEqual(modes.slice(0, 5), ["batch 20", "batch 20", "batch 20", "batch 15", "live 20"]);
  // and what a live feed served is not in the list
  const first = await app.call(people.ben, { limit: 10 });
  const rest = await app.call(people.ben, { limit: 100, mode: "batch", after: first.body.next });
  assert.equal(rest.body.mode, "batch");
  assert.ok(rest.body.items.length < 75 && !ids(rest.body).some((id) => ids(first.body).includes(id)));
});

test("any worker goes on, in GET as in POST, and the same cursor gives the same page", async (t) => {
  const first = await app.call(people.ada, { limit: 30 });
  const asked = { limit: 30, after: first.body.next };
  const other = testApp(t, url);
  const [here, there] = [await app.call(people.ada, asked), await other.call(people.ada, asked)];
  assert.deepEqual(ids(there.body), ids(here.body));
  assert.notEqual(there.body.request_id, here.body.request_id);
  const query = await app.request(`/recommend?limit=30&after=${first.body.next}`, {
    headers: { authorization: `Bearer ${people.ada}` },
  });
  assert.deepEqual(ids(await query.json()), ids(here.body));
});

test("two feeds of one user do not disturb each other", async () => {
  const [one, two] = [await app.call(people.ada, { limit: 30 }), await app.call(people.ada, { limit: 30 })];
  assert.deepEqual(ids(two.body), ids(one.body));
  assert.notEqual(two.body.next, one.body.next);
});

test("a cursor made up, or another's, brings nothing that the caller may not read", async () => {
  const { body: another } = await app.call(people.ben, { limit: 100 });
  const { keys, seed } = readCursor(another.next as string) ?? assert.fail();
  const random = Array.from({ length: maxServedPosts - 2 }, (_, i) => (i * 2_654_435_761) % 2 ** 32);
  const allowed = await eligible(people.ada);
  for (const after of [
    another.next,
    cursorAfter({ seed, keys, folded: 0 }, random.slice(0, 1800)),
    cursorAfter({ seed: 0n, keys: [], folded: 0 }, random),
  ]) {
    const { status, body } = await app.call(people.ada, { limit: 100, after });
    assert.equal(status, 200);
    assert.equal(body.items.length, 100);
    assert.ok(ids(body).every((id) => allowed.has(id) && id !== privatePost));
  }
});

/** The list made ahead is the feed that the function would have answered at that instant, whatever policies say. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { eitherDatabase } from "../../db/testing.ts";
import { testApp } from "../../supabase/functions/recommend/testing.ts";
import { publishRandomModel, standingCommunity } from "../../testing/batch.ts";
import { isFull, pickCases } from "../../testing/courses.ts";
import { addFollows, addWithheld } from "../data/replay/testing.ts";
import { runBatch } from "./run-batch.ts";

/** The first reader and every fifth one ask for a feed, others in each test; with test:full all do. */
const nth = isFull ? 1 : 5;
let comparisons = 0;

const database = await eitherDatabase({ after }, "same_as_live");
const { pool, url } = database;
const app = testApp({ after }, url, { preview: true });
const context = { database, onProgress: () => {}, signal: new AbortController().signal };

before(async () => {
  await standingCommunity(database, { users: isFull ? 55 : 30, posts: 700, days: 40 });
  // in the user tower, two sources and the ranker's features
  await addFollows(database);
  await addWithheld(database);
  await publishRandomModel(database, "random");
  // in a list no post is under trial
  await pool.query("update recsys.settings set trial_place = 0");
});

interface List {
  user_id: string;
  post_ids: string[];
  scores: number[];
  basis: string;
}

async function lists(): Promise<List[]> {
  const { rows } = await pool.query(
    "select user_id, post_ids, scores, basis from recsys.batch_recommendations order by user_id",
  );
  return rows;
}

/**
 * pgvector and the trainer sum in another order, so two posts whose features agree to six digits may swap: in a hundredth of
 * the lists, next to each other. What is chosen after them for being unlike them moves along.
 */
async function assertAsLive(live = app): Promise<List[]> {
  await runBatch(context);
  const made = await lists();
  assert.ok(made.length > (isFull ? 40 : 20), `${made.length} lists`);
  for (const { post_ids } of made) assert.equal(post_ids.length, 75);
  comparisons++;
  const asked = made.filter((_, i) => i === 0 || (i + comparisons) % nth === 0);
  let moved = 0;
  for (const { user_id, post_ids, scores, basis } of asked) {
    let { body } = await live.call(user_id, { limit: 75 });
    // a first feed on a busy machine takes longer than its steps are given
    for (let more = 0; body.degraded && more < 5; more++) ({ body } = await live.call(user_id, { limit: 75 }));
    assert.equal(body.degraded ?? null, null);
    assert.equal(basis, body.basis);
    for (const [i, { post_id, score }] of body.items.entries()) {
      const place = post_ids.indexOf(post_id);
      if (place !== i) moved++;
      assert.ok(place >= 0 || i > 72, `${post_id} of ${user_id}`);
      if (place >= 0)
        assert.ok(
          Math.abs(score - scores[place]) < 0.01 * score,
          `${score} and ${scores[place]} at ${i + 1} of ${user_id}`,
        );
    }
  }
  assert.ok(moved < 0.01 * 75 * asked.length, `${moved} posts stand elsewhere in ${asked.length} lists`);
  return made;
}

test("the same posts in the same order, for everyone who is active", async () => {
  const made = await assertAsLive();
  assert.ok(new Set(made.map(({ post_ids }) => post_ids.join())).size > made.length / 2, "lists are personal");
});

/** Changes of the feeds. After each, the lists equal the feeds again. */
const changes: [name: string, check: (t: TestContext) => Promise<void>][] = [
  [
    "dismissed posts are not in it",
    async () => {
      const [{ user_id, post_ids }] = await lists();
      await pool.query(
        "insert into recsys.dismissals (user_id, post_id, created_at) select $1, unnest($2::uuid[]), recsys.clock() - interval '1 minute'",
        [user_id, post_ids.slice(0, 30)],
      );
      const made = await assertAsLive();
      const list = made.find((each) => each.user_id === user_id);
      assert.ok(list && !list.post_ids.some((post) => post_ids.slice(0, 30).includes(post)));
    },
  ],

  [
    "closed circles have one of 20 places, but not for their members and for who follows them",
    async (t) => {
      const [before] = await lists();
      await pool.query(
        `insert into recsys_engine.circle_members select distinct author_id from public.posts where id = any ($2) and author_id <> $1
     and author_id::text not in (select target from public.follows where user_id = $1)`,
        [before.user_id, before.post_ids.slice(0, 10)],
      );
      t.after(() => pool.query("truncate recsys_engine.circle_members"));
      const ofCircle = async ({ post_ids }: List) =>
        (
          await pool.query(
            "select from public.posts where id = any ($1) and author_id in (select user_id from recsys_engine.circle_members)",
            [post_ids],
          )
        ).rowCount ?? 0;
      assert.ok((await ofCircle(before)) >= 10);
      const [after] = await assertAsLive(testApp(t, url, { preview: true }));
      assert.equal(await ofCircle(after), 3);
    },
  ],

  [
    "no topic and no group has more of it than the settings allow",
    async (t) => {
      await pool.query(
        `update public.posts set language = case when id::text < '4' then 'fi' else 'en' end;
     insert into recsys_engine.topics (topic_id, model_id, label, terms, centroid) overriding system value
       select topic_id, 1, '', '{}', (1 || array_fill(0, array[31]))::extensions.vector from generate_series(1, 2) as topic_id;
     insert into recsys_engine.post_topics (post_id, topic_id, similarity) select id, case when id::text < '8' then 1 else 2 end, 1 from public.posts;
     update recsys.settings set topic_share = 0.6, group_share = 0.8`,
      );
      t.after(() =>
        pool.query(
          "truncate recsys_engine.topics, recsys_engine.post_topics; update recsys.settings set topic_share = 1, group_share = 1",
        ),
      );
      for (const { post_ids } of await assertAsLive(testApp(t, url, { preview: true }))) {
        assert.ok(post_ids.filter((id) => id < "8").length <= 45);
        assert.ok(post_ids.filter((id) => id >= "4").length <= 60);
      }
    },
  ],

  [
    "small groups have their floor in it",
    async (t) => {
      // the posts of the last 28 days with the fewest participants: sources return few of them
      await pool.query(
        `update public.posts set language = case when id in (
       select posts.id from public.posts left join recsys_engine.latest_post_stats as stats on stats.post_id = posts.id
       where visibility = 'public' and created_at between recsys.clock() - interval '27 days' and recsys.clock() - interval '20 days'
       order by coalesce(participants, 0), posts.id limit 12
     ) then 'eu' else 'en' end`,
      );
      const small = (await pool.query("select id from public.posts where language = 'eu'")).rows.map(({ id }) => id);
      await pool.query("update recsys.settings set group_share = 0.9");
      t.after(() => pool.query("update recsys.settings set group_share = 1, group_floor = 0"));
      const places = (of: List[]) => of.flatMap(({ post_ids }) => post_ids.filter((id) => small.includes(id))).length;
      const before = places(await assertAsLive(testApp(t, url, { preview: true })));
      await pool.query("update recsys.settings set group_floor = 5");
      const made = await assertAsLive(testApp(t, url, { preview: true }));
      assert.ok(places(made) >= before + 2 * made.length, `${before} places, then ${places(made)}`);
    },
  ],

  [
    "a list has one post of each conversation",
    async (t) => {
      // how many posts there are besides the first of each
      const more = async () =>
        (await lists()).reduce((sum, { post_ids }) => {
          const found = post_ids.filter((id) => id < "4").map((id) => id.slice(0, 2));
          return sum + found.length - new Set(found).size;
        }, 0);
      const before = await more();
      const view = "create or replace view recsys.source_conversations with (security_invoker = true) as";
      const { rows } = await pool.query("select pg_get_viewdef('recsys.source_conversations'::regclass) as was");
      await pool.query(
        `${view} select id as post_id, left(id::text, 2) as conversation from public.posts where id::text < '4'`,
      );
      t.after(() => pool.query(`${view} ${rows[0].was}`));
      await assertAsLive(testApp(t, url, { preview: true }));
      // an older post by another author stays next to a better one
      assert.ok((await more()) < 0.6 * before, `${await more()} of ${before}`);
    },
  ],

  [
    "a list leaves out muted people, topics and words, and is full",
    async (t) => {
      const [reader, second, third] = await lists();
      const { rows } = await pool.query(
        `select
       array(select tag from public.posts, unnest(tags) as tag where id = any ($1) group by tag order by count(*) desc, tag limit 3) as topics,
       (select author_id from public.posts where id = any ($1) group by author_id order by count(*) desc, author_id limit 1) as person,
       (select word from public.posts, regexp_split_to_table(lower(title), '[^a-z]+') as word
         where id = any ($1) and length(word) > 3 group by word order by count(*) desc, word limit 1) as word`,
        [reader.post_ids],
      );
      const { topics, person, word } = rows[0];
      for (const [user, kind, value] of [
        ...topics.map((topic: string) => [reader, "topic", topic.toUpperCase()]),
        [reader, "word", word],
        [reader, "person", person],
        [second, "word", word],
        [third, "person", person],
      ])
        await pool.query("insert into public.mutes (user_id, kind, value) values ($1, $2, $3)", [
          user.user_id,
          kind,
          value,
        ]);
      t.after(() => pool.query("delete from public.mutes"));
      const isMuted = `lower(tags::text)::text[] && $2 or author_id = $3 or title || ' ' || array_to_string(tags, ' ') ~* ('\\m' || $4 || '\\M')`;
      const muted = async (ids: string[]) =>
        (await pool.query(`select from public.posts where id = any ($1) and (${isMuted})`, [ids, topics, person, word]))
          .rowCount;
      assert.ok(
        ((await muted(reader.post_ids)) ?? 0) > 25,
        "before they were muted, a page of 50 would have been short",
      );
      const made = await assertAsLive();
      const list = made.find(({ user_id }) => user_id === reader.user_id);
      assert.equal(await muted(list?.post_ids ?? []), 0);
      const { body } = await app.call(reader.user_id, { limit: 50, mode: "batch" });
      assert.deepEqual([body.mode, body.items.length], ["batch", 50]);
    },
  ],

  [
    "a post without a vector is ranked as the function ranks it",
    async (t) => {
      await pool.query(
        "delete from recsys.post_embeddings where post_id in (select post_id from recsys.source_posts order by created_at desc limit 40)",
      );
      // another worker: one keeps the vectors that it has read for a while
      await assertAsLive(testApp(t, url, { preview: true }));
    },
  ],

  [
    "a post that only some readers may read is in their lists alone, and each list is made from the posts that its reader may read now",
    async (t) => {
      const [reader, ...others] = await lists();
      // half of the newest posts: the author and one reader may read them
      await pool.query(
        `update public.posts set visibility = 'private' where id in (select id from public.posts order by created_at desc limit 100) and md5(id::text) < '8'`,
      );
      await pool.query(
        `create policy "a reader" on public.posts for select to authenticated using (visibility = 'private' and (select auth.uid()) = '${reader.user_id}')`,
      );
      // interactions of a reader and of their followees include posts that the reader may not read any more
      const made = await assertAsLive(testApp(t, url, { preview: true }));
      const hidden = new Set(
        (await pool.query("select id from public.posts where visibility = 'private'")).rows.map(({ id }) => id),
      );
      assert.ok(hidden.size > 20);
      const hiddenIn = (userId: string) =>
        made.find(({ user_id }) => user_id === userId)?.post_ids.filter((post) => hidden.has(post)).length;
      assert.ok((hiddenIn(reader.user_id) ?? 0) > 0, "the reader is recommended some");
      for (const { user_id } of others) assert.equal(hiddenIn(user_id), 0);
      for (const { user_id, post_ids } of made.filter((_, i) => i % nth === 0)) {
        assert.equal(post_ids.length, 75, "other posts take the places of hidden ones");
        const { body } = await app.call(user_id, { limit: 50, mode: "batch" });
        assert.equal(body.items.length, 50);
      }
    },
  ],
];

for (const [name, check] of pickCases(changes)) test(name, check);

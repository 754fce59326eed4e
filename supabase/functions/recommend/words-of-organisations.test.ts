/**
 * No word of one organisation is in an answer to a user outside it: titles, tags, topics, reasons, ideas, in any function. Members
 * move between organisations between two requests, and the same worker goes on. ROUNDS sets how many requests: 120 by default.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { publishWordModel } from "../../../testing/embed.ts";
import { fillForms, forms, testApp as ideasApp, writers } from "../../../testing/ideas.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { makeTopics } from "../../../trainer/topics/make-topics.ts";
import { openPool } from "../_shared/database/pool.ts";
import { communityFeed } from "../_shared/recommend/fallback/community-feed.ts";
import { emptyServedState } from "../_shared/recommend/request/cursor.ts";
import { testApp as similarApp } from "../similar/testing.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "words_of_organisations");
const { pool, url } = database;
const random = new Random(5);
const rounds = Number(process.env.ROUNDS ?? 120);
const organisations = ["bax", "cev", "dop"];
/** Words that no other organisation writes. */
const words = (organisation: number) =>
  ["ilar", "orun", "entis", "ushel", "amor", "ekin"].map((end) => `${organisations[organisation]}${end}`);

await fillForms(pool);
await pool.query(`
  update recsys.settings set requests_per_minute = null;
  alter table public.posts add column organisation integer;
  create index on public.posts (organisation);
  create table public.members (user_id uuid primary key, organisation integer not null);
  grant select on public.members to authenticated;
  drop policy "public posts and one's own are readable" on public.posts;
  create policy "those of all, and of one's organisation" on public.posts for select to authenticated
    using (organisation is null or organisation = (select organisation from public.members where members.user_id = (select auth.uid())))`);
/** Of each person; changes. */
const memberOf = new Map(writers.map((writer, n) => [writer, n % 3]));
await pool.query("insert into public.members select unnest($1::uuid[]), unnest($2::int[])", [
  writers,
  [...memberOf.values()],
]);
// public forms of titles, with words that only they know: all titles but one, of each word by three or four people; and their colleagues interact with it
for (const organisation of organisations.keys()) {
  const titles = forms.flatMap((form) => words(organisation).map((word) => form.replace("_", word))).slice(1);
  await pool.query(
    `insert into public.posts (author_id, title, tags, organisation, created_at)
     select author, title, tags, $4, now() - interval '8 days' + number * interval '1 hour'
     from unnest($1::uuid[], $2::text[]) with ordinality as post (author, title, number), (select $3::text[] as tags) as given`,
    [
      titles.map((_, i) => writers[3 * ((i + Math.floor(i / 6)) % 4) + organisation]),
      titles,
      words(organisation).slice(0, 2),
      organisation,
    ],
  );
}
await pool.query(`
  insert into public.post_views (user_id, post_id, created_at)
  select members.user_id, posts.id, posts.created_at + interval '1 day'
  from public.posts join public.members on members.organisation = posts.organisation and members.user_id <> posts.author_id
  where md5(posts.id::text || members.user_id) < '8';
  select recsys.roll_up(null)`);
await publishWordModel(database, "words");
await makeTopics({ database, onProgress: () => {}, signal: new AbortController().signal });

const feeds = testApp({ after }, url);
const similar = similarApp({ after }, url);
const ideas = ideasApp({ after }, url);
const connections = openPool(url, () => undefined);
after(() => connections.end());

const answers: Record<string, (sub: string) => Promise<unknown>> = {
  feed: async (sub) => (await feeds.call(sub, { limit: 20 })).body,
  batch: async (sub) => (await feeds.call(sub, { limit: 20, mode: "batch" })).body,
  "similar posts": async (sub) => (await similar.call(sub, { find: "posts", post_id: await anyPost() })).body,
  reach: async (sub) => (await similar.call(sub, { find: "reach", post_id: await anyPost() })).body,
  "people to follow": async (sub) => (await similar.call(sub, { find: "people_to_follow" })).body,
  "topics to follow": async (sub) => (await similar.call(sub, { find: "topics_to_follow" })).body,
  "groups to follow": async (sub) => (await similar.call(sub, { find: "groups_to_follow" })).body,
  "fresh and popular": (sub) =>
    communityFeed(
      { pool: connections },
      { sub, role: "authenticated" },
      { limit: 20, served: emptyServedState() },
      "1s",
    ),
  async ideas(sub) {
    if (random.below(2) === 0) await pool.query("delete from recsys_engine.idea_pool");
    return (await ideas.call(sub, {})).body;
  },
};
async function anyPost(): Promise<string> {
  const { rows } = await pool.query("select id from public.posts order by md5(id::text || $1) limit 1", [
    random.below(1e9),
  ]);
  return rows[0].id;
}

test(`${rounds} requests, while people go over to others: nobody reads a word of an organisation that they are not in`, async () => {
  const kinds = ["feed", "feed", "feed", ...Object.keys(answers)];
  let own = 0;
  const said = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const sub = writers[random.below(writers.length)];
    const kind = kinds[random.below(kinds.length)];
    if (random.below(3) === 0) {
      // what they wrote, saw and interacted with stays with those whom they left
      memberOf.set(sub, random.below(3));
      await pool.query("update public.members set organisation = $2 where user_id = $1", [sub, memberOf.get(sub)]);
    }
    const answer = JSON.stringify(await answers[kind](sub)).toLowerCase();
    for (const organisation of organisations.keys()) {
      const is = memberOf.get(sub) === organisation;
      const found = words(organisation).filter((word) => answer.includes(word));
      if (is && found.length > 0) own++;
      assert.ok(
        is || found.length === 0,
        `round ${round}: ${kind} says ${found} to one of ${memberOf.get(sub)}: ${answer}`,
      );
    }
    for (const [, key] of answer.matchAll(/"(like_your_history|label|title|topic)"/g)) said.add(key);
    if (kind === "ideas" && answer.includes('"points"')) said.add("ideas");
  }
  await feeds.settled();
  // a test of answers that say nothing would find nothing
  assert.ok(own > rounds / 4, `${own} answers said a word of one's own`);
  assert.deepEqual([...said].sort(), ["ideas", "label", "like_your_history", "title", "topic"]);
});

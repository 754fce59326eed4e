/** What a DBA asks of a user and a post, held against the feed's own candidates. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { loggedFeatures } from "../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { createTitleMatcher } from "../supabase/functions/_shared/recommend/selection/duplicates.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel } from "../testing/community.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "explain");
let model: number;

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, id, (array_fill(0, array[n]) || 1 || array_fill(0, array[31 - n]))::extensions.vector
     from unnest($2::uuid[]) with ordinality as users (id, n0) cross join lateral (select (n0 - 1)::int as n) as dimension`,
    [model, [people.ada, people.ben]],
  );
});

async function explain(user: string, id: string): Promise<string[]> {
  const { rows } = await pool.query("select * from recsys.explain($1, $2)", [user, id]);
  return rows.map(({ topic, item, value }) => `${topic} | ${item} | ${value}`);
}

async function whyNot(user: string, id: string): Promise<string[]> {
  return (await explain(user, id)).filter((line) => line.startsWith("why not")).map((line) => line.split(" | ")[1]);
}

test("ranks without limits are those of recsys_engine.retrieve within them, for every candidate of everybody", async () => {
  // ties too: two posts of one instant, two interactions of one instant
  await pool.query(
    "update public.posts set created_at = (select created_at from public.posts where id = $1) where id = $2",
    [post(7), post(8)],
  );
  await pool.query(
    "insert into public.post_views (user_id, post_id, created_at) select $1, id, now() - interval '1 hour' from public.posts where id = any($2)",
    [people.eve, [post(9), post(10), post(11)]],
  );
  await pool.query("select recsys.roll_up()");
  let compared = 0;
  for (const user of [people.ada, people.ben, people.eve]) {
    const { rows } = await pool.query(
      `select candidates.post_id, candidates.ranks as within, asked.ranks, asked.is_candidate
       from (select (select embedding from recsys.user_embeddings where model_id = $2 and user_id = $1) as vector, now() as now) as given
       cross join lateral recsys_engine.retrieve($1, $2, given.vector, given.now) as candidates
       cross join lateral recsys_engine.explain_candidate($1, candidates.post_id, $2, given.vector, given.now) as asked
       where candidates.post_id <> $3`,
      // the owner's own candidates hold what the user may not see
      [user, model, privatePost],
    );
    for (const row of rows) {
      const { within, ranks } = row;
      assert.ok(row.is_candidate);
      if (user === people.eve) assert.equal(ranks.similar, undefined);
      // asked as the owner, who also sees the private post, the newest of all
      for (const source of ["active", "fresh", "followed"]) if (within[source]) within[source]--;
      assert.deepEqual({ ...ranks, similar: 0 }, { ...within, similar: 0 }, `${user} ${row.post_id}`);
      assert.equal(ranks.similar === undefined, within.similar === undefined);
      compared++;
    }
  }
  assert.ok(compared > 80, `${compared}`);
});

test("what keeps a post out of the feed is named, and nothing for what is in it", async () => {
  assert.deepEqual(await whyNot(people.ada, post(4)), []);
  assert.deepEqual(await whyNot(people.ada, post(30)), ["has a vote by this user"]);
  assert.deepEqual(await whyNot(people.ada, privatePost), ["not visible"]);
  assert.deepEqual(await whyNot(people.author, privatePost), ["own"]);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.ada, post(4)]);
  assert.deepEqual(await whyNot(people.ada, post(4)), ["dismissed or voted against"]);
  await pool.query("insert into public.post_votes (user_id, post_id, value) values ($1, $2, -1)", [
    people.ada,
    post(5),
  ]);
  assert.deepEqual(await whyNot(people.ada, post(5)), ["dismissed or voted against"]);
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ada, post(6)]);
  await pool.query("insert into public.comments (user_id, post_id) values ($1, $2)", [people.ada, post(6)]);
  assert.deepEqual(await whyNot(people.ada, post(6)), ["has a view by this user", "has a comment by this user"]);
  await pool.query("update public.posts set created_at = now() + interval '1 hour' where id = $1", [post(7)]);
  assert.deepEqual(await whyNot(people.ada, post(7)), ["in the future"]);
  await pool.query(
    "update public.posts set title = 'Rooks (8)', tags = '{Towers,Chess}', description = 'With a diagram' where id = $1",
    [post(8)],
  );
  await pool.query("alter table public.mutes drop constraint mutes_kind_check");
  assert.deepEqual(await whyNot(people.ada, post(8)), []);
  for (const [kind, value, detail] of [
    ["word", "rooks", "a word of its title or tags"],
    ["topic", "chess", "its topic Chess"],
    ["title_contains", "OOK", "a text in its title"],
    ["contains", "ks (", "a text in its title"],
    ["contains", "Gram", "a text in its description"],
    ["person", people.author, "its author"],
  ]) {
    await pool.query("insert into public.mutes (user_id, kind, value) values ($1, $2, $3)", [people.ada, kind, value]);
    const lines = await explain(people.ada, post(8));
    assert.ok(lines.includes(`why not | muted | ${detail}`), lines.join("\n"));
    assert.ok(lines.includes("verdict | not a candidate | muted"));
    assert.deepEqual(await whyNot(people.ben, post(8)), [], "nobody else's feed");
    await pool.query("delete from public.mutes");
  }
  // one conversation, until its reader has interacted with one of it and wants no reposts
  await pool.query(
    "update public.posts set title = case id when $1 then 'What to read?' else 'what to READ' end where id = any ($2)",
    [post(9), [post(9), post(10)]],
  );
  const about = async () => (await explain(people.ada, post(9))).find((line) => line.startsWith("one conversation"));
  const others = new RegExp(
    `^one conversation \\| ${post(10)} \\| created .*; of these a page has the one to which most people came`,
  );
  assert.match((await about()) ?? "", others);
  await pool.query(
    "update public.posts set title = id::text, description = 'https://a.example/b?c#d Worth it' where id = any ($1)",
    [[post(9), post(10)]],
  );
  assert.match((await about()) ?? "", others, "of the same link");
  await pool.query("update public.posts set title = 'What to read' where id = any ($1)", [[post(9), post(10)]]);
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ada, post(10)]);
  assert.equal(await about(), undefined);
  assert.deepEqual(await whyNot(people.ada, post(9)), []);
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'hide', 'reposts')", [
    people.ada,
  ]);
  assert.deepEqual(await whyNot(people.ada, post(9)), ["a repost"]);
  assert.deepEqual(await whyNot(people.ada, post(10)), ["has a view by this user"]);
  assert.deepEqual(await whyNot(people.ben, post(9)), []);
  await pool.query("update public.posts set title = id::text where id = $1", [post(9)]);
  assert.deepEqual(await whyNot(people.ada, post(9)), ["a repost"], "of the same link");
  await pool.query("update public.posts set description = '' where id = $1", [post(9)]);
  assert.deepEqual(await whyNot(people.ada, post(9)), []);
  // by what words titles are compared, the feed in TypeScript and explain in SQL
  for (const [seen, other] of [
    ["ΣΟΦΙΑΣ λόγος", "σοφιας λόγος"],
    ["नमस्ते दुनिया", "नमस्त दुनिया"],
    ["Area 5 m²", "Area 5 m"],
    ["½ cup rice", "cup rice"],
    ["İstanbul trip", "istanbul trip"],
    ["東京へ行く", "「東京」へ 行く"],
    ["東京", "東京！"],
    ["I a!", "i A"],
  ]) {
    await pool.query("update public.posts set title = case id when $1 then $2 else $3 end where id = any ($4)", [
      ...[post(10), seen, other],
      [post(9), post(10)],
    ]);
    assert.deepEqual(await whyNot(people.ada, post(9)), createTitleMatcher([seen])(other) ? ["a repost"] : [], seen);
  }
  const verdicts = await Promise.all([explain(people.ada, people.ben), explain(post(1), post(1))]);
  assert.deepEqual(verdicts, [
    ["verdict | not a candidate | there is no such post in recsys.source_posts"],
    ["verdict | no feed | there is no such user in recsys.source_users"],
  ]);
});

test("what the user may not read is in no line: neither the post nor one of their history", async () => {
  assert.deepEqual(await explain(people.ada, privatePost), [
    "verdict | not a candidate | not visible",
    "why not | not visible | row level security hides it from this user",
  ]);
  const history = async () => (await explain(people.ada, post(4))).filter((line) => line.startsWith("history"));
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(28)]);
  const [line, ...others] = await history();
  assert.match(line, /^history \| Post 30 \| similarity 1\.000, last there 2/);
  assert.deepEqual(others, []);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(30)]);
  assert.deepEqual(await history(), []);
});

test("a post behind the limits of all sources is said to be so, with its ranks", async () => {
  await pool.query(
    "insert into public.posts (title, created_at) select 'filler', now() - interval '1 minute' from generate_series(1, 320)",
  );
  await pool.query("update public.posts set created_at = now() - interval '300 days' where id = $1", [post(20)]);
  await pool.query("delete from recsys.post_embeddings where post_id = $1", [post(20)]);
  const lines = await explain(people.ben, post(20));
  assert.ok(
    lines.includes("why not | no source brings it | its ranks are behind what each source brings"),
    lines.join("\n"),
  );
  assert.ok(lines.includes("source | fresh | rank 350, behind the 100 that it brings"));
  assert.ok(lines.includes("source | active | rank 350, behind the 300 that it brings"));
  assert.ok(lines.includes("source | similar | not in it"));
  assert.ok(
    lines.some((line) => line.startsWith("vector | the post has none | waits since ")) === false,
    "no worker was asked",
  );
});

test("a post without a vector says whether one is coming; a feed without a model says so", async () => {
  await pool.query("delete from recsys_engine.embedding_jobs");
  await pool.query("delete from recsys.post_embeddings where post_id = $1", [post(3)]);
  const vectorLine = async () => (await explain(people.ada, post(3))).find((line) => line.startsWith("vector"));
  assert.equal(await vectorLine(), "vector | the post has none | and none waits: update its text, or publish again");
  await pool.query("update public.posts set title = 'x' where id = $1", [post(3)]);
  assert.match((await vectorLine()) as string, /^vector \| the post has none \| waits since 2/);
  await pool.query("update recsys_engine.embedding_jobs set failures = 5, last_error = 'broken'");
  assert.equal(await vectorLine(), "vector | the post has none | given up: broken");
  await pool.query("update recsys.models set status = 'retired'");
  assert.ok(
    (await explain(people.ada, post(3))).includes(
      "model | none is active | feeds are fresh and popular: npx --no-install recsys publish",
    ),
  );
});

test("the nearest post of the history, and the features of the latest impression by their names", async () => {
  const features = Array.from({ length: 200 }, (_, i) => i / 8);
  for (const [hours, position] of [
    [2, 7],
    [1, 3],
  ])
    await pool.query(
      `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score, source, model_id, features)
       values (gen_random_uuid(), $1, $2, $3, now() - $4 * interval '1 hour', 0.25, 'similar', $5, $6)`,
      [people.ada, post(4), position, hours, model, features.map((value) => value * hours)],
    );
  const lines = await explain(people.ada, post(4));
  assert.ok(lines.some((line) => /^history \| Post (28|30) \| similarity 1\.000, last there/.test(line)));
  assert.ok(lines.some((line) => /^shown \| position 3 \| .* score 0\.25, source similar$/.test(line)));
  assert.ok(lines.includes("feature | user log_votes | 0.125"));
});

test("asking changes neither role nor claims of the one who asks, not even when it fails", async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query('set local request.jwt.claims = \'{"sub": "me"}\'');
    const who = async () =>
      (await client.query("select current_user as name, current_setting('request.jwt.claims') as claims")).rows[0];
    const before = await who();
    await client.query("select * from recsys.explain($1, $2)", [people.ada, post(4)]);
    assert.deepEqual(await who(), before);
    await client.query("savepoint here");
    await assert.rejects(
      client.query("select * from recsys_engine.explain_candidate($1, $2, $3, '[1]', now())", [
        people.ada,
        post(4),
        model,
      ]),
    );
    await client.query("rollback to here");
    assert.deepEqual(await who(), before);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("similar posts and users: the nearest first, none of them the asked one, and a clear word where there is no vector", async () => {
  const { rows } = await pool.query("select * from recsys.similar_posts($1, 15)", [post(2)]);
  assert.equal(rows.length, 15);
  assert.ok(
    rows.every(
      ({ title, similarity, post_id }) =>
        (title === "A secret" || Number(title.slice(5)) % 2 === 0) && similarity > 0.999 && post_id !== post(2),
    ),
  );
  const users = await pool.query("select * from recsys_engine.similar_users($1)", [people.ada]);
  assert.deepEqual(
    users.rows.map(({ user_id, similarity, passions }) => [user_id, similarity, passions]),
    [[people.ben, 0, ["gardens"]]],
  );
  await assert.rejects(
    pool.query("select * from recsys.similar_posts($1)", [people.ada]),
    /post .* has no vector of the active model/,
  );
  await assert.rejects(
    pool.query("select * from recsys_engine.similar_users($1)", [people.eve]),
    /user .* has no vector of the active model/,
  );
  await pool.query("update recsys.models set status = 'retired'");
  await assert.rejects(pool.query("select * from recsys.similar_posts($1)", [post(2)]), /no model is active/);
});

test("names and values of features go together as the ranker was told", async () => {
  const tensor = (data: number[]) => ({ data, dims: [1, data.length] });
  const spec = (await pool.query("select feature_spec -> 'ranker' as ranker from recsys.models")).rows[0].ranker;
  const names = {
    user: spec.user,
    post: spec.post,
    pair: spec.pair,
    category: spec.categories.map((each: { name: string }) => each.name),
  };
  // each value says where it belongs
  const numbered = (part: keyof typeof names, offset: number) =>
    tensor(names[part].map((_: string, i: number) => offset + i));
  const feeds = {
    user_features: numbered("user", 1000),
    post_features: numbered("post", 2000),
    pair_features: numbered("pair", 3000),
    categories: numbered("category", 4000),
  };
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id, features)
     values (gen_random_uuid(), $1, $2, 1, now(), $3, $4)`,
    [people.ada, post(4), model, loggedFeatures(feeds as never, 0)],
  );
  const { rows } = await pool.query(
    "select part, feature, value from recsys_engine.impression_features order by number",
  );
  const expected = Object.entries({ user: 1000, post: 2000, pair: 3000, category: 4000 }).flatMap(([part, offset]) =>
    names[part as keyof typeof names].map((feature: string, i: number) => ({ part, feature, value: offset + i })),
  );
  assert.deepEqual(rows, expected);
});

test("a post in the list made ahead has its rank and score there", async () => {
  await pool.query(
    `insert into recsys.batch_recommendations (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources)
     values ($1, 1, $2, now(), 'history', array[$3::uuid, $4::uuid], '{0.5, 0.25}', '{0, 0}', '{0, 0}', '{0, 0}', '{similar, similar}')
     on conflict (user_id) do update set post_ids = excluded.post_ids, scores = excluded.scores`,
    [people.ada, model, post(6), post(4)],
  );
  const { rows } = await pool.query("select item, value from recsys.explain($1, $2) where topic = 'listed'", [
    people.ada,
    post(4),
  ]);
  assert.equal(rows[0].item, "rank 2");
  assert.match(rows[0].value, /^score 0\.25, /);
});

test("of who wants no personalisation nothing is told that hangs on what they did, follow or were shown", async () => {
  await pool.query("select recsys.roll_up(null)");
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'impersonal')", [
    people.ada,
  ]);
  const all = async () => await Promise.all([2, 4, 6, 8, 28].map((n) => explain(people.ada, post(n))));
  await pool.query(
    "insert into public.withheld (author_id, post_id) select author_id, id from public.posts where id = $1",
    [post(2)],
  );
  await pool.query(
    "insert into public.follows (user_id, kind, target) select $1, 'person', author_id from public.posts where id = $2",
    [people.ada, post(2)],
  );
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, seen_at) values (gen_random_uuid(), $1, $2, 1, now(), now())`,
    [people.ada, post(4)],
  );
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.ada, post(6)]);
  const before = await all();
  assert.ok(before.flat().includes("feed | impersonal | the user wants it so (recsys.source_preferences)"));
  for (const table of [
    "public.post_views",
    "public.post_votes",
    "public.comments",
    "public.follows",
    "recsys.dismissals",
    "recsys.impressions",
    "recsys.user_embeddings",
  ])
    await pool.query(`delete from ${table} where user_id = $1`, [people.ada]);
  assert.deepEqual(await all(), before);
});

test("what the app shows a user instead of titles is none that posts share", async (t) => {
  const define = (view: string) =>
    pool.query(`create or replace view recsys.source_posts with (security_invoker = true) as ${view}`);
  const { rows } = await pool.query("select pg_get_viewdef('recsys.source_posts') as view");
  t.after(() => define(rows[0].view));
  const mask = "case when current_user <> 'authenticated' then title else '[members only]' end";
  await define(rows[0].view.replace('"left"(title, 1000) AS title', `${mask} as title`));
  const lines = await explain(people.ada, post(9));
  assert.deepEqual(
    lines.filter((line) => line.startsWith("one conversation")),
    [],
  );
  assert.match(lines[0], /^verdict \| a candidate/);
});

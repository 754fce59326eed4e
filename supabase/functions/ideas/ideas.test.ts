/** Ideas: who gets which, what they are made of, and that nothing of what only some may read is in them. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, uuid } from "../../../testing/community.ts";
import {
  addPosts,
  fillForms,
  forms,
  knows,
  missing,
  places,
  publishTopics,
  reader,
  testApp,
  writers,
} from "../../../testing/ideas.ts";

const { pool, url } = await testDatabase({ after }, "ideas");
await pool.query("update recsys.settings set requests_per_minute = null");
const scope = { after };
/** Each with a worker of its own, and nothing kept. */
const ask = async (userId: string, body: unknown = {}) => {
  await pool.query("delete from recsys_engine.idea_pool");
  return await testApp(scope, url).call(userId, body);
};

beforeEach(async () => {
  await clear(pool);
  await pool.query("truncate public.mutes");
  await fillForms(pool);
});

test("the title that is missing among its like, with what to expect of it", async () => {
  await publishTopics(pool);
  const { status, body } = await ask(reader);
  assert.equal(status, 200);
  const [idea, ...others] = body.items;
  assert.deepEqual(others, []);
  assert.equal(idea.title, missing);
  assert.equal(idea.topic?.label, "walk");
  // 29 people interacted with the first topic; of six posts of the form only Lima's has a comment
  assert.deepEqual(idea.why, { people_interested: 20, posts_lately: 6, unanswered: 5 });
  assert.deepEqual([idea.points, idea.tags], [[], []], "posts on Kyoto have no text and no tags");
  assert.ok(idea.predicted.audience > 1.5, JSON.stringify(idea.predicted));
  assert.ok(idea.predicted.votes > 1 && idea.predicted.votes <= idea.predicted.audience);
  assert.ok(idea.predicted.comments < idea.predicted.votes && idea.predicted.views === 0);
  assert.ok(Object.values(idea.predicted).every(Number.isInteger), JSON.stringify(idea.predicted));
  assert.equal(idea.writer, "community");
  assert.deepEqual(
    body.notes.map(({ code }) => code),
    ["too_few_posts", "no_vector"],
  );
});

test("who wants no personalisation is told so, and no vector of theirs is read, be it there still or not", async () => {
  const model = await publishTopics(pool);
  await pool.query(
    "insert into recsys.user_embeddings (model_id, user_id, embedding) values ($1, $2, (array[1] || array_fill(0, array[31]))::extensions.vector)",
    [model, reader],
  );
  const answer = async () => {
    const { items, notes } = (await ask(reader)).body;
    return [items.map(({ fit }) => fit !== null), notes.map(({ code }) => code)];
  };
  assert.deepEqual(await answer(), [[true], ["too_few_posts"]]);
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'impersonal')", [reader]);
  assert.deepEqual(await answer(), [[false], ["too_few_posts", "no_personalisation"]]);
});

test("no title that is there already, however often it is asked", async () => {
  await publishTopics(pool);
  await addPosts(pool, [{ title: missing.toUpperCase(), author: 3 }]);
  assert.deepEqual((await ask(reader)).body.items, []);
});

test("what was written from an idea is offered to nobody again, though the pool is of before", async () => {
  await publishTopics(pool);
  await pool.query("delete from recsys_engine.idea_pool");
  const { call } = testApp(scope, url);
  const offered = async (userId: string) => (await call(userId, {})).body.items.map(({ title }) => title);
  const written = async (title: string, visibility: string) =>
    (
      await pool.query(
        "insert into public.posts (author_id, title, visibility, created_at) values ($1, $2, $3, now()) returning id",
        [reader, title, visibility],
      )
    ).rows[0].id;
  for (const title of [
    missing,
    missing.toLowerCase().replace("?", ""),
    missing.replace("How safe is it", "Is it safe"),
  ]) {
    assert.deepEqual(await offered(reader), [missing]);
    const post = await written(title, "private");
    assert.deepEqual(await offered(reader), [], title);
    assert.deepEqual(await offered(writers[1]), [missing], "who may not read it learns nothing of it");
    await pool.query("update public.posts set visibility = 'public' where id = $1", [post]);
    assert.deepEqual(await offered(writers[1]), [], title);
    await pool.query("delete from public.posts where id = $1", [post]);
  }
  await written("How loud is it to live in Kyoto by day?", "public");
  assert.deepEqual(await offered(reader), [missing], "something else of the same place");
});

test("fit is near to what the author knows", async () => {
  const model = await publishTopics(pool);
  await knows(pool, model, reader, missing);
  const near = (await ask(reader)).body.items[0].fit ?? 0;
  await knows(pool, model, reader, "harpsichord tuning");
  const far = (await ask(reader)).body.items[0].fit ?? 1;
  assert.ok(near > 0.95 && far < near - 0.3, `${near} and ${far}`);
});

test("whoever has no profile gets ideas, and is told what they lack", async () => {
  await publishTopics(pool);
  const { body } = await ask(uuid("f", 1));
  assert.deepEqual([body.items[0].title, body.items[0].fit], [missing, null]);
  assert.ok(body.notes.some(({ code }) => code === "no_profile"));
});

test("without a model, and without topics, there are ideas by their audience alone", async () => {
  const without = (await ask(reader)).body;
  assert.deepEqual([without.items[0].title, without.items[0].topic, without.items[0].why], [missing, null, null]);
  assert.deepEqual([without.model, without.notes.map(({ code }) => code)], [null, ["too_few_posts", "no_model"]]);
  await publishTopics(pool, []);
  assert.ok((await ask(reader)).body.notes.some(({ code }) => code === "no_topics"));
});

test("an empty community has none, and says so", async () => {
  await clear(pool);
  const { status, body } = await ask(reader);
  assert.deepEqual([status, body.items], [200, []]);
  assert.ok(body.notes.some(({ code }) => code === "too_few_posts"));
});

test("a community of one topic has as many ideas as it can", async () => {
  const more = ["Sofia", "Minsk", "Turin", "Dakar", "Delhi", "Miami"];
  const visited = [
    "How cold does it get in _ in May?",
    "Who else will be in _ in June?",
    "Where to sleep in _ on a Monday?",
  ];
  await addPosts(pool, [
    ...more.flatMap((place, p) =>
      forms.slice(1).map((form, f) => ({ title: form.replace("_", place), author: (p + f) % 7 })),
    ),
    ...visited.flatMap((form, f) =>
      places.map((place, p) => ({ title: form.replace("_", place), author: (p + f) % 7 })),
    ),
  ]);
  await pool.query(
    `insert into public.post_votes (user_id, post_id, created_at)
     select voter.id, posts.id, posts.created_at + interval '1 day' from public.posts, unnest($1::uuid[]) as voter (id)
     where posts.title ~ '^(How cold|Who else|Where to sleep)' and voter.id <> posts.author_id`,
    [writers.slice(0, 9)],
  );
  await publishTopics(pool, ["walk"]);
  const { body } = await ask(reader);
  assert.ok(body.items.length > 3, JSON.stringify(body.items.map(({ title }) => title)));
  assert.ok(body.items.every(({ topic }) => topic?.label === "walk"));
  const subjects = body.items.map(({ title }) => [...places, ...more].find((place) => title.includes(place)));
  assert.equal(new Set(subjects).size, subjects.length, "each of another place");
});

test("what only some may read is in no idea, not even of theirs", async () => {
  await publishTopics(pool);
  const secret = ["Where to hide in _ from the audit?", "Who else hides in _ at noon?"];
  await addPosts(
    pool,
    secret.flatMap((form) =>
      [...places, "Atlantis"].flatMap((place, p) =>
        place === "Oslo"
          ? []
          : [0, 1, 2].map((shift) => ({
              title: form.replace("_", place),
              author: (p + shift) % 7,
              visibility: "private",
            })),
      ),
    ),
  );
  for (const userId of [reader, ...writers.slice(0, 3)]) {
    const { body } = await ask(userId);
    assert.deepEqual(
      body.items.map(({ title }) => title),
      [missing],
    );
    assert.ok(!/hide|audit|Atlantis/i.test(JSON.stringify(body)));
  }
});

test("what somebody muted is in none of theirs", async () => {
  await publishTopics(pool);
  await pool.query(
    "insert into public.mutes (user_id, kind, value) values ($1, 'word', 'KYOTO'), ($2, 'topic', 'walk'), ($3, 'word', 'Kyo')",
    [writers[0], writers[1], writers[2]],
  );
  assert.deepEqual((await ask(writers[0])).body.items, []);
  assert.deepEqual((await ask(writers[1])).body.items, []);
  assert.equal((await ask(writers[2])).body.items.length, 1);
});

test("no point and no tag of an idea has a muted word or topic in it", async () => {
  await publishTopics(pool);
  await ask(reader);
  const said = '["late trains", "lanterns", "fares"]';
  await pool.query(
    `update recsys_engine.idea_pool set pool = jsonb_set(jsonb_set(pool, '{ideas,0,points}', $1), '{ideas,0,tags}', $1)`,
    [said],
  );
  await pool.query(
    "insert into public.mutes (user_id, kind, value) values ($1, 'word', 'TRAINS'), ($1, 'topic', 'Fares'), ($1, 'word', 'lantern')",
    [writers[0]],
  );
  const saidTo = async (userId: string) =>
    (await testApp(scope, url).call(userId, {})).body.items.map(({ points, tags }) => [points, tags]);
  assert.deepEqual(await saidTo(reader), [[JSON.parse(said), JSON.parse(said)]]);
  assert.deepEqual(await saidTo(writers[0]), [[["lanterns"], ["lanterns"]]]);
  await pool.query("alter table public.mutes drop constraint mutes_kind_check");
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'contains', 'NTER')", [writers[0]]);
  assert.deepEqual(await saidTo(writers[0]), [[[], []]], "within a word, too");
});

test("a need is not told of a topic with a muted word in its name", async () => {
  await publishTopics(pool);
  assert.ok((await ask(reader)).body.needs.length > 0);
  await pool.query(
    `update recsys_engine.idea_pool set pool = jsonb_set(pool, '{needs,0,topic}', '{"id": 1, "label": "loud walk, zoo"}')`,
  );
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'Walk')", [writers[3]]);
  const labelsOf = async (userId: string) =>
    (await testApp(scope, url).call(userId, {})).body.needs.flatMap(({ topic }) => topic?.label ?? []);
  assert.deepEqual(await labelsOf(reader), ["loud walk, zoo"]);
  assert.deepEqual(await labelsOf(writers[3]), []);
});

test("ideas and needs name posts as their reader may read them now, but not their own", async () => {
  await publishTopics(pool);
  const first = (await ask(reader)).body;
  // another worker, which has what is stored
  const later = async (userId = reader) => (await testApp(scope, url).call(userId, {})).body;
  const [idea] = first.items;
  assert.equal(idea.inspired_by.length, 3);
  for (const { title } of idea.inspired_by) assert.ok(title.split(" ").some((word) => idea.title.includes(word)));
  assert.ok(first.needs.length > 0 && first.needs.every(({ posts }) => posts.length > 0));
  const named = (body: typeof first) => [
    ...body.needs.flatMap(({ posts }) => posts),
    ...body.items.flatMap(({ inspired_by }) => inspired_by),
  ];
  const ids = [...new Set(named(first).map(({ post_id }) => post_id))];
  const author = async (id: string) =>
    (await pool.query("select author_id from public.posts where id = $1", [id])).rows[0].author_id;
  // hidden since the pool was made, deleted, edited, muted
  const [hidden, gone, edited] = idea.inspired_by.map(({ post_id }) => post_id);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [hidden]);
  await pool.query("delete from public.posts where id = $1", [gone]);
  await pool.query("update public.posts set title = 'Edited since' where id = $1", [edited]);
  const then = await later();
  assert.deepEqual(
    then.items[0].inspired_by.map(({ title }) => title),
    ["Edited since"],
  );
  assert.ok(!named(then).some(({ post_id }) => post_id === hidden || post_id === gone));
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [
    reader,
    await author(edited),
  ]);
  const muted = named(await later()).map(({ post_id }) => post_id);
  for (const id of muted) assert.notEqual(await author(id), await author(edited));
  const own = await author(ids.find((id) => id !== hidden && id !== gone && id !== edited) as string);
  for (const { post_id } of named(await later(own))) assert.notEqual(await author(post_id), own);
  // with the lists, as recsys.erase() does once an hour
  await pool.query("select recsys_engine.erase_entities('post', array[$1::uuid])", [gone]);
  const { rows } = await pool.query("select pool::text as pool, post_ids from recsys_engine.idea_pool");
  assert.ok(!rows[0].pool.includes(gone) && !rows[0].post_ids.includes(gone) && rows[0].post_ids.includes(null));
  assert.equal((await later()).items.length, 1, "a worker that reads it then");
});

test("the community is read once a day, by whichever worker is asked first, and again when another model serves", async () => {
  await publishTopics(pool);
  await pool.query("delete from recsys_engine.idea_pool");
  const { call } = testApp(scope, url);
  const [first, second] = await Promise.all([call(reader, {}), call(writers[1], {})]);
  assert.deepEqual([first.body.items.length, second.body.items.length], [1, 1]);
  // of a month ago, so that only who reads all of the community knows of it
  await addPosts(pool, [{ title: missing, author: 2 }]);
  const another = () => testApp(scope, url).call(reader, {});
  assert.deepEqual((await another()).body, first.body, "another worker has what the first one stored");
  assert.equal((await call(reader, {})).body.items.length, 1);
  await pool.query("update recsys_engine.idea_pool set made_at = made_at - interval '25 hours'");
  const late = testApp(scope, url);
  assert.equal((await late.call(reader, {})).body.items.length, 1, "what is a day old does once more");
  await late.settled();
  assert.deepEqual((await another()).body.items, []);
  const { rows } = await pool.query("select now() - made_at < '1 minute' as is_new from recsys_engine.idea_pool");
  assert.deepEqual(rows, [{ is_new: true }]);
  await pool.query("delete from public.posts where title = $1", [missing]);
  await pool.query("update recsys.models set status = 'retired'");
  assert.equal((await call(reader, {})).body.items.length, 1, "what is kept is of another model");
});

test("what is stored names nobody", async () => {
  await publishTopics(pool);
  await ask(reader);
  const { rows } = await pool.query("select pool::text from recsys_engine.idea_pool");
  for (const id of writers) assert.ok(!rows[0].pool.includes(id));
  assert.ok(!/Quux/.test(rows[0].pool));
});

test("whoever got more for what they wrote is promised more", async () => {
  await publishTopics(pool);
  await pool.query(
    `insert into public.post_votes (user_id, post_id, created_at)
     select voter.id, posts.id, posts.created_at + interval '1 day'
     from public.posts, unnest($1::uuid[]) as voter (id) where posts.author_id = $2 and voter.id <> $2
     on conflict do nothing`,
    [writers, writers[2]],
  );
  const promised = async (userId: string) => (await ask(userId)).body.items[0].predicted.audience;
  assert.ok((await promised(writers[2])) > (await promised(writers[5])));
  // of posts that not every member may read nothing is told: shown to one person, they would say whether that one came
  await pool.query("update public.posts set visibility = 'private' where author_id = $1", [writers[2]]);
  assert.ok((await promised(writers[2])) <= (await promised(writers[5])));
});

test("bad requests are told what is wrong", async () => {
  const { call, request } = testApp(scope, url);
  const codes: Record<string, unknown> = {
    invalid_limit: { limit: 11 },
    unknown_field: { topic: 1 },
    invalid_body: [],
  };
  for (const [code, body] of Object.entries(codes)) {
    const answer = await call(reader, body);
    assert.deepEqual([answer.status, answer.body.error?.code], [400, code]);
  }
  for (const limit of [0, 1.5, "3"]) assert.equal((await call(reader, { limit })).body.error?.code, "invalid_limit");
  const signedOut = await request("/ideas", { method: "POST", body: "{}" });
  assert.equal(signedOut.status, 401);
});

test("who may call what: members read nothing of audiences, topics or the endpoint", async () => {
  for (const call of [
    "recsys_engine.post_audiences('{}')",
    "recsys_engine.idea_topics()",
    "recsys_engine.ideas_endpoint()",
  ])
    for (const role of ["authenticated", "anon"])
      await assert.rejects(
        pool.query(`set role ${role}; select * from ${call}`).finally(() => pool.query("reset role")),
        /permission denied/,
      );
});

test("audiences are distinct others of the first week, of their kinds", async () => {
  const { rows } = await pool.query(
    "insert into public.posts (author_id, title, created_at) values ($1, 'One', now() - interval '30 days') returning id",
    [writers[0]],
  );
  const [{ id }] = rows;
  const act = async (table: string, user: string, days: number) =>
    await pool.query(
      `insert into public.${table} (user_id, post_id, created_at${table === "comments" ? ", body" : ""})
       values ($1, $2, now() - interval '30 days' + $3 * interval '1 day'${table === "comments" ? ", 'x'" : ""})`,
      [user, id, days],
    );
  await act("comments", writers[0], 1);
  await act("comments", writers[1], 1);
  await act("comments", writers[1], 2);
  await act("post_votes", writers[1], 3);
  await act("post_views", writers[2], 6.9);
  await act("post_views", writers[3], 7.1);
  const counted = await pool.query("select * from recsys_engine.post_audiences(array[$1, gen_random_uuid()]::uuid[])", [
    id,
  ]);
  assert.deepEqual(counted.rows, [
    {
      people: [2, 0],
      viewers: [1, 0],
      voters: [1, 0],
      commenters: [1, 0],
      topic_ids: [null, null],
      of_newcomers: [false, false],
    },
  ]);
});

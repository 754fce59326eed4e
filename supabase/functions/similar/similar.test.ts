/**
 * Posts like one, people like the caller, a post's reach: the answers, and that none reveals what its reader may not
 * read.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const noPostgres = await withoutPostgres();

const { pool, url } = await testDatabase({ after }, "similar");
// an app whose people may hide themselves
await pool.query(`create policy "the hidden are not read" on public.profiles as restrictive for select to authenticated
  using (bio <> 'hidden' or id = (select auth.uid()) or (select auth.jwt()) ->> 'team' = 'staff')`);
const { call, request } = testApp({ after }, url);
const nobody = uuid("f", 9);
let model: number;

beforeEach(async () => {
  await clear(pool);
  await pool.query("delete from recsys_engine.similar_people");
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "tiny" });
});

/** Gives people a vector: 1 on the axis, and `away` on the third. */
async function placeUsers(axis: number, away: Record<string, number>): Promise<void> {
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, person.id, extensions.l2_normalize(
       (array_fill(0, array[$2::int]) || array[1::real] || array_fill(0, array[2 - $2::int]) || array[person.away] || array_fill(0, array[28]))::extensions.vector)
     from unnest($3::uuid[], $4::real[]) as person (id, away)`,
    [model, axis, Object.keys(away), Object.values(away)],
  );
}

/** The same of people who have one. */
async function placeUsersAnew(axis: number, away: Record<string, number>): Promise<void> {
  await pool.query("delete from recsys.user_embeddings where user_id = any ($1)", [Object.keys(away)]);
  await placeUsers(axis, away);
}

/** n people besides the four, with a bio. */
async function addPeople(letter: string, n: number, bio: string): Promise<string[]> {
  const ids = Array.from({ length: n }, (_, i) => uuid(letter, i + 1));
  await pool.query("insert into public.profiles (id, bio) select unnest($1::uuid[]), $2", [ids, bio]);
  return ids;
}

const postsOf = (items: { post_id?: string }[]) => items.map(({ post_id }) => post_id);
const usersOf = (items: { user_id?: string }[]) => items.map(({ user_id }) => user_id);

test("posts like one are of its topic, and it is not among them", async () => {
  const { status, body } = await call(people.ben, { post_id: post(6) });
  assert.equal(status, 200);
  assert.deepEqual([body.find, body.model], ["posts", { id: model, name: "tiny" }]);
  assert.equal(body.items.length, 10, "10 where nothing else is said");
  for (const { post_id, title, ...rest } of body.items) {
    assert.match(title ?? "", /^Post \d+$/);
    assert.equal(Number(post_id?.slice(-2)) % 2, 0);
    assert.deepEqual(Object.keys(rest), ["app_id"], "and not how similar it is");
    assert.notEqual(post_id, post(6));
  }
  const all = (await call(people.ben, { post_id: post(6), limit: 100 })).body.items;
  assert.equal(all.length, 29, "every other public post");
  assert.deepEqual(
    all.map(({ post_id }) => Number(post_id?.slice(-2)) % 2),
    [...Array(14).fill(0), ...Array(15).fill(1)],
  );
});

test("a private post is found by its author alone, and answers anybody else as one that does not exist", async () => {
  const theirs = await call(people.author, { post_id: post(6), limit: 100 });
  assert.ok(postsOf(theirs.body.items).includes(privatePost));
  const bens = await call(people.ben, { post_id: post(6), limit: 100 });
  assert.ok(!postsOf(bens.body.items).includes(privatePost));

  const answers = new Set<string>();
  for (const body of [{}, { find: "reach" }])
    for (const post_id of [privatePost, nobody]) {
      const response = await request("/similar", {
        method: "POST",
        headers: { authorization: `Bearer ${people.ben}` },
        body: JSON.stringify({ ...body, post_id }),
      });
      // how long it took and how the log names it is another each time
      response.headers.delete("server-timing");
      response.headers.delete("x-request-id");
      answers.add(JSON.stringify([response.status, await response.text(), ...response.headers]));
    }
  assert.equal(answers.size, 1, "the same to the last byte");
  assert.match([...answers][0], /^\[404,.*unknown_post/);
  assert.equal((await call(people.author, { post_id: privatePost })).body.items.length, 10);
});

test("posts of others that are nearer and private take nobody's place", async () => {
  await pool.query("update public.posts set visibility = 'private' where id = any ($1)", [
    Array.from({ length: 13 }, (_, i) => post(2 * i + 4)),
  ]);
  const { items } = (await call(people.ben, { post_id: post(2), limit: 16 })).body;
  assert.equal(items.length, 16);
  assert.deepEqual(postsOf(items).slice(0, 1), [post(30)]);
});

test("where an index scan gives up among what the caller may not read, all posts are looked at", {
  skip: noPostgres,
}, async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      `insert into public.posts (id, author_id, title, visibility)
       select ('0000000e-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, 'hidden', 'private' from generate_series(1, 3000) as n`,
      [people.author],
    );
    await client.query(
      `insert into recsys.post_embeddings (model_id, post_id, embedding)
       select $1, id, (select embedding from recsys.post_embeddings where post_id = $2) from public.posts where title = 'hidden'`,
      [model, post(2)],
    );
    await client.query("set local enable_seqscan = off");
    await client.query("set local enable_bitmapscan = off");
    await client.query("set local enable_sort = off");
    await client.query("set local hnsw.max_scan_tuples = 500");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: people.ben, role: "authenticated" }),
    ]);
    const scan = await client.query(
      `select from recsys.post_embeddings where model_id = ${model}
       order by embedding operator(extensions.<#>) (select embedding from recsys.post_embeddings where post_id = '${post(2)}') limit 25`,
    );
    assert.ok((scan.rowCount ?? 0) < 25, `the scan alone found ${scan.rowCount}`);
    const { rows } = await client.query("select * from recsys_engine.similar_posts_for_caller($1, 25)", [post(2)]);
    assert.equal(rows[0].items.length, 25);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("dismissed posts, posts of the future and deleted posts are not found", async () => {
  await pool.query("insert into recsys.dismissals (user_id, post_id, created_at) values ($1, $2, now())", [
    people.ben,
    post(4),
  ]);
  await pool.query("update public.posts set created_at = now() + interval '1 day' where id = $1", [post(8)]);
  await pool.query("delete from public.posts where id = $1", [post(10)]);
  const bens = postsOf((await call(people.ben, { post_id: post(6), limit: 100 })).body.items);
  assert.deepEqual(
    [4, 8, 10].filter((n) => bens.includes(post(n))),
    [],
  );
  const eves = postsOf((await call(people.eve, { post_id: post(6), limit: 100 })).body.items);
  assert.deepEqual(
    [4, 8, 10].filter((n) => eves.includes(post(n))),
    [4],
  );
});

test("posts by authors whom the caller muted are not found, and others find them", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  const { rows } = await pool.query(
    "select id, author_id from public.posts where author_id = (select author_id from public.posts where id = $1)",
    [post(4)],
  );
  const found = async (reader: string) => postsOf((await call(reader, { post_id: post(6), limit: 100 })).body.items);
  assert.ok((await found(people.ben)).includes(post(4)));
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [
    people.ben,
    rows[0].author_id,
  ]);
  const left = await found(people.ben);
  assert.deepEqual(
    rows.filter(({ id }) => left.includes(id)),
    [],
  );
  assert.ok((await found(people.eve)).includes(post(4)));
});

test("without a vector, or without a model, nothing is found, and that is no error", async () => {
  await pool.query("delete from recsys.post_embeddings where post_id = $1", [post(6)]);
  await placeUsers(0, { [people.ben]: 0 });
  const without = await call(people.ben, { post_id: post(6) });
  assert.deepEqual([without.status, without.body.model?.id, without.body.items], [200, model, []]);
  const eve = await call(people.eve, { find: "people" });
  assert.deepEqual([eve.status, eve.body.find, eve.body.model?.id, eve.body.items], [200, "people", model, []]);
  const reach = await call(people.author, { find: "reach", post_id: post(6) });
  assert.deepEqual(
    [reach.status, reach.body.find, reach.body.model?.id, reach.body.people],
    [200, "reach", model, null],
  );
  await pool.query("update recsys.models set status = 'retired'");
  for (const body of [{ post_id: post(2) }, { find: "people" }, { find: "reach", post_id: post(2) }]) {
    const { status, body: answer } = await call(people.author, body);
    assert.deepEqual([status, answer.model, answer.items ?? [], answer.people ?? null], [200, null, [], null]);
  }
});

/** Ada, and others around her, each further away than the one before. */
async function placeCrowd(n: number, bio = ""): Promise<string[]> {
  const crowd = await addPeople("d", n, bio);
  await placeUsers(0, { [people.ada]: 0, ...Object.fromEntries(crowd.map((id, i) => [id, (i + 1) / 100])) });
  return crowd;
}
/** As if a day had gone by. */
const nextDay = () => pool.query("update recsys_engine.similar_people set made_at = made_at - interval '1 day'");
const near = async (userId: string, limit = 100) => usersOf((await call(userId, { find: "people", limit })).body.items);

test("people like the caller: the nearest ten first, and of each only who they are", async () => {
  const crowd = await placeCrowd(25);
  const { status, body } = await call(people.ada, { find: "people", limit: 25 });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    find: "people",
    model: { id: model, name: "tiny" },
    items: crowd.map((user_id) => ({ user_id })),
  });
  assert.deepEqual(await near(people.ada, 1), crowd.slice(0, 1));
  // within ten it is their ids that say who comes first
  await pool.query("delete from recsys_engine.similar_people");
  await placeUsersAnew(0, Object.fromEntries(crowd.map((id, i) => [id, (25 - i) / 100])));
  const tens = [crowd.slice(15), crowd.slice(5, 15), crowd.slice(0, 5)];
  assert.deepEqual(await near(people.ada), tens.flat());
});

test("fewer than ten people are nobody, be they few or muted", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  const crowd = await placeCrowd(10);
  assert.deepEqual(await near(people.ada), crowd);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [people.ada, crowd[3]]);
  assert.deepEqual(await near(people.ada), []);
  await pool.query("delete from public.mutes");
  await pool.query("delete from public.profiles where id = $1", [crowd[3]]);
  assert.deepEqual(await near(people.ada), []);
});

test("whoever edits their profile finds the same people, until the next day or the next model", async () => {
  const crowd = await placeCrowd(20);
  const far = await addPeople("e", 10, "");
  await placeUsers(1, Object.fromEntries(far.map((id) => [id, 0])));
  assert.deepEqual(await near(people.ada, 10), crowd.slice(0, 10));
  await placeUsersAnew(1, { [people.ada]: 0 });
  assert.deepEqual(await near(people.ada, 10), crowd.slice(0, 10));
  await nextDay();
  assert.deepEqual(await near(people.ada, 10), far);
  await placeUsersAnew(0, { [people.ada]: 0 });
  await pool.query("update recsys_engine.similar_people set model_id = 0");
  assert.deepEqual(await near(people.ada, 10), crowd.slice(0, 10));
  // kept while the clock was a day ahead
  await placeUsersAnew(1, { [people.ada]: 0 });
  await pool.query("update recsys_engine.similar_people set made_at = now() + interval '1 day'");
  assert.deepEqual(await near(people.ada, 10), far);
});

test("an operator who looks keeps nothing", async (t) => {
  await placeCrowd(10);
  const { body } = await testApp(t, url, { preview: true }).call(people.ada, { find: "people" });
  assert.equal(body.items.length, 10);
  assert.equal((await pool.query("select from recsys_engine.similar_people")).rowCount, 0);
});

test("people whose row the caller may not read are not found, and take nobody's place", async () => {
  const hidden = await addPeople("c", 250, "hidden");
  const crowd = await placeCrowd(12);
  await placeUsers(0, Object.fromEntries(hidden.map((id, i) => [id, i / 1e6])));
  assert.deepEqual(await near(people.ada), crowd);
  // they find the others, and not each other
  assert.equal((await near(hidden[0])).length, 13);
  await pool.query("update public.profiles set bio = 'hidden' where id = $1", [crowd[0]]);
  await pool.query("delete from public.profiles where id = $1", [crowd[1]]);
  assert.deepEqual(await near(people.ada), crowd.slice(2), "at once");
});

test("people whom the caller muted are not found, and take nobody's place", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  const crowd = await placeCrowd(12);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2), ($3, 'person', $1)", [
    people.ada,
    crowd[0].toUpperCase(),
    crowd[1],
  ]);
  assert.deepEqual(await near(people.ada, 11), crowd.slice(1), "it works one way");
});

test("policies may ask for any claim of the token", async () => {
  await placeCrowd(10, "hidden");
  const found = async (claims: object) =>
    usersOf(
      (await pool.query("select * from recsys_engine.similar_people_for_caller($1, 10)", [claims])).rows[0].items,
    );
  assert.deepEqual(await found({ sub: people.ada, role: "authenticated" }), []);
  await pool.query("delete from recsys_engine.similar_people");
  assert.equal((await found({ sub: people.ada, role: "authenticated", team: "staff" })).length, 10);
});

test("a post's reach is that of its topic in tens, its author's to ask for, whatever they muted", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  await pool.query("delete from recsys_engine.topics");
  const centroids = [0, 1].map((axis) => JSON.stringify(Array.from({ length: 32 }, (_, d) => Number(d === axis))));
  await pool.query(
    `insert into recsys_engine.topics (model_id, label, terms, centroid, people)
     select $1, 'topic', '{}', centroid::extensions.vector, people from unnest($2::text[], '{29,9}'::int[]) as topic (centroid, people)`,
    [model, centroids],
  );
  await pool.query("select recsys_engine.assign_topics($1, $2)", [model, [post(6), post(7), privatePost]]);
  const reach = async (id: string) => (await call(people.author, { find: "reach", post_id: id })).body.people;
  const all = async () => [await reach(post(6)), await reach(privatePost), await reach(post(7)), await reach(post(8))];
  assert.deepEqual(await all(), [20, 20, null, null]);
  await pool.query(
    "insert into public.mutes (user_id, kind, value) select $1, 'person', id from public.profiles where id <> $1",
    [people.author],
  );
  assert.deepEqual(await all(), [20, 20, null, null]);
  // ben may read the post, and is told no more than of one that does not exist
  const [bens, none] = await Promise.all(
    [post(6), nobody].map((post_id) => call(people.ben, { find: "reach", post_id })),
  );
  assert.deepEqual(bens, none);
  assert.deepEqual([bens.status, bens.body.error?.code], [404, "unknown_post"]);
});

test("a user without a profile finds posts, and no people", async () => {
  assert.equal((await call(nobody, { post_id: post(6) })).body.items.length, 10);
  const { status, body } = await call(nobody, { find: "people" });
  assert.deepEqual([status, body.error?.code], [404, "unknown_user"]);
});

test("nobody asks in another's name by SQL, nor reads a vector", async () => {
  const client = await pool.connect();
  try {
    for (const role of ["authenticated", "anon"]) {
      await client.query("begin");
      await client.query(`set local role ${role}`);
      await assert.rejects(
        client.query("select recsys_engine.similar_people_for_caller($1, 10)", [
          { sub: people.ada, role: "authenticated" },
        ]),
        { code: "42501" },
      );
      await client.query("rollback");
    }
    await client.query("begin read only");
    await client.query("set local role service_role");
    await client.query("select recsys_engine.similar_people_for_caller($1, 10)", [
      { sub: people.ada, role: "authenticated" },
    ]);
    const { rows } = await client.query("select current_user, current_setting('request.jwt.claims', true) as claims");
    assert.deepEqual(rows, [{ current_user: "service_role", claims: "" }], "and who asked is themselves again");
  } finally {
    await client.query("rollback");
    client.release();
  }
});

const refused: [string, unknown, string][] = [
  ["no post", {}, "invalid_post_id"],
  ["null for a post", { post_id: null }, "invalid_post_id"],
  ["no uuid", { post_id: "7" }, "invalid_post_id"],
  ["SQL", { post_id: `${post(6)}' or true --` }, "invalid_post_id"],
  ["a list of posts", { post_id: [post(6)] }, "invalid_post_id"],
  ["something else to find", { find: "users" }, "invalid_find"],
  ["a post to find people by", { find: "people", post_id: post(6) }, "invalid_post_id"],
  ["the reach of nothing", { find: "reach" }, "invalid_post_id"],
  ["a limit of 0", { post_id: post(6), limit: 0 }, "invalid_limit"],
  ["a limit of 101", { find: "people", limit: 101 }, "invalid_limit"],
  ["half a limit", { post_id: post(6), limit: 1.5 }, "invalid_limit"],
  ["a limit in words", { post_id: post(6), limit: "5" }, "invalid_limit"],
  ["another's name", { find: "people", user_id: people.ada }, "unknown_field"],
  ["a list", [], "invalid_body"],
  ["null", null, "invalid_body"],
];
for (const [name, body, code] of refused)
  test(`${name} is refused as ${code}`, async () => {
    const answer = await call(people.ben, body);
    assert.deepEqual([answer.status, answer.body.error?.code], [400, code]);
  });

test("the anonymous are refused, and so are other methods, no JSON and more than 1 KB", async () => {
  const codeOf = async (init: RequestInit, signedIn = true) => {
    const headers: HeadersInit = signedIn ? { authorization: `Bearer ${people.ben}` } : {};
    const response = await request("/similar", { ...init, headers });
    return [response.status, (await response.json()).error.code];
  };
  const body = JSON.stringify({ post_id: post(6) });
  assert.deepEqual(await codeOf({ method: "POST", body }, false), [401, "token_missing"]);
  assert.deepEqual(await codeOf({}), [405, "method_not_allowed"]);
  assert.deepEqual(await codeOf({ method: "POST", body: "" }), [400, "malformed_json"]);
  assert.deepEqual(await codeOf({ method: "POST", body: body + " ".repeat(1024) }), [413, "body_too_large"]);
});

/** Posts like one, people like the caller, a post's audience: who gets what, and that nobody learns of what they may not read. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "similar");
// an app whose people may hide themselves
await pool.query(`create policy "the hidden are not read" on public.profiles as restrictive for select to authenticated
  using (bio <> 'hidden' or id = (select auth.uid()) or (select auth.jwt()) ->> 'team' = 'staff')`);
const { call, request } = testApp({ after }, url);
const nobody = uuid("f", 9);
let model: number;

beforeEach(async () => {
  await clear(pool);
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

/** People beside the four, n of them, with a bio. */
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
  for (const { post_id, title, similarity } of body.items) {
    assert.match(title ?? "", /^Post \d+$/);
    assert.equal(Number(post_id?.slice(-2)) % 2, 0);
    assert.ok(Math.abs(similarity - 1) < 1e-6);
    assert.notEqual(post_id, post(6));
  }
  const all = (await call(people.ben, { post_id: post(6), limit: 100 })).body.items;
  assert.equal(all.length, 29, "every other public post");
  assert.deepEqual(
    all.map(({ similarity }) => Math.round(similarity)),
    [...Array(14).fill(1), ...Array(15).fill(0)],
  );
});

test("a private post is found by its author alone, and answers anybody else as one that does not exist", async () => {
  const theirs = await call(people.author, { post_id: post(6), limit: 100 });
  assert.ok(postsOf(theirs.body.items).includes(privatePost));
  const bens = await call(people.ben, { post_id: post(6), limit: 100 });
  assert.ok(!postsOf(bens.body.items).includes(privatePost));

  const answers = new Set<string>();
  for (const body of [{}, { find: "people" }])
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
  skip: await withoutPostgres(),
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
    const { rows } = await client.query("select * from recsys.posts_like($1, 25)", [post(2)]);
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

test("without a vector, or without a model, nothing is found, and that is no error", async () => {
  await pool.query("delete from recsys.post_embeddings where post_id = $1", [post(6)]);
  await placeUsers(0, { [people.ben]: 0 });
  const without = await call(people.ben, { post_id: post(6) });
  assert.deepEqual([without.status, without.body.model?.id, without.body.items], [200, model, []]);
  const eve = await call(people.eve, { find: "people" });
  assert.deepEqual([eve.status, eve.body.find, eve.body.model?.id, eve.body.items], [200, "people", model, []]);
  const audience = await call(people.author, { find: "people", post_id: post(6) });
  assert.deepEqual([audience.status, audience.body.items], [200, []]);
  await pool.query("update recsys.models set status = 'retired'");
  for (const body of [{ post_id: post(2) }, { find: "people" }, { find: "people", post_id: post(2) }]) {
    const answer = await call(people.author, body);
    assert.deepEqual([answer.status, answer.body.model, answer.body.items], [200, null, []]);
  }
});

test("people like the caller: the nearest first, only who and how similar to one decimal", async () => {
  await placeUsers(0, { [people.ada]: 0, [people.eve]: 1, [people.author]: 0.2, [people.ben]: 0.03 });
  const { status, body } = await call(people.ada, { find: "people" });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    find: "people",
    model: { id: model, name: "tiny" },
    items: [
      { user_id: people.ben, similarity: 1 },
      { user_id: people.author, similarity: 1 },
      { user_id: people.eve, similarity: 0.7 },
    ],
  });
  assert.deepEqual(usersOf((await call(people.ada, { find: "people", limit: 1 })).body.items), [people.ben]);
});

test("people whose row the caller may not read are not found, and take nobody's place", async () => {
  const hidden = await addPeople("d", 250, "hidden");
  await placeUsers(0, { [people.ada]: 0, ...Object.fromEntries(hidden.map((id, i) => [id, i / 1e4])) });
  await placeUsers(0, { [people.ben]: 0.5, [people.eve]: 0.6, [people.author]: 0.7 });
  const { items } = (await call(people.ada, { find: "people", limit: 3 })).body;
  assert.deepEqual(usersOf(items), [people.ben, people.eve, people.author]);
  assert.deepEqual(usersOf((await call(people.ada, { find: "people", limit: 100 })).body.items).length, 3);
  // they find the others, and not each other
  assert.equal((await call(hidden[0], { find: "people", limit: 100 })).body.items.length, 4);
  await pool.query("delete from public.profiles where id = $1", [people.eve]);
  assert.deepEqual(usersOf((await call(people.ada, { find: "people" })).body.items), [people.ben, people.author]);
});

test("people whom the caller muted are not found, and take nobody's place", async (t) => {
  t.after(() => pool.query("delete from public.mutes"));
  await placeUsers(0, { [people.ben]: 0, [people.ada]: 0.1, [people.eve]: 0.5, [people.author]: 1 });
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2), ($3, 'person', $4)", [
    people.ben,
    people.ada.toUpperCase(),
    people.eve,
    people.ben,
  ]);
  const { body } = await call(people.ben, { find: "people", limit: 2 });
  assert.deepEqual(usersOf(body.items), [people.eve, people.author], "it works one way");
});

test("policies may ask for any claim of the token", async () => {
  const [hidden] = await addPeople("d", 1, "hidden");
  await placeUsers(0, { [people.ada]: 0, [hidden]: 0 });
  const found = async (claims: object) =>
    usersOf((await pool.query("select * from recsys.people_near($1, null, 10)", [claims])).rows[0].items);
  assert.deepEqual(await found({ sub: people.ada, role: "authenticated" }), []);
  assert.deepEqual(await found({ sub: people.ada, role: "authenticated", team: "staff" }), [hidden]);
});

test("a post's audience is its author's to ask for, also of a private post", async () => {
  await placeUsers(0, { [people.ada]: 0.1, [people.author]: 0, [people.eve]: 0.4 });
  await placeUsers(1, { [people.ben]: 0 });
  const even = await call(people.author, { find: "people", post_id: post(6) });
  assert.deepEqual([even.status, usersOf(even.body.items)], [200, [people.ada, people.eve, people.ben]]);
  assert.deepEqual(
    even.body.items.map(({ similarity }) => similarity),
    [1, 0.9, 0],
  );
  const odd = await call(people.author, { find: "people", post_id: post(7), limit: 1 });
  assert.deepEqual(usersOf(odd.body.items), [people.ben]);
  assert.deepEqual(
    usersOf((await call(people.author, { find: "people", post_id: privatePost })).body.items)[0],
    people.ada,
  );
  // ben may read the post, and is told no more than of one that does not exist
  const [bens, none] = await Promise.all(
    [post(6), nobody].map((post_id) => call(people.ben, { find: "people", post_id })),
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
        client.query("select recsys.people_near($1, null, 10)", [{ sub: people.ada, role: "authenticated" }]),
        { code: "42501" },
      );
      await client.query("rollback");
    }
    await client.query("begin read only");
    await client.query("set local role service_role");
    await client.query("select recsys.people_near($1, null, 10)", [{ sub: people.ada, role: "authenticated" }]);
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
  ["nothing to find", { find: null, post_id: post(6) }, "invalid_find"],
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

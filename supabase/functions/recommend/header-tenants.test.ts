/**
 * Policies that choose the tenant by a header: the headers that recsys.settings lists reach them, no others do, and one worker that answers
 * for several tenants in turn never mixes these.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { tinyGraphs } from "../../../testing/community.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { openPool } from "../_shared/database/pool.ts";
import { readAs } from "../_shared/database/run-as-caller.ts";
import { request, requestOfCaller } from "../_shared/http/caller-request.ts";
import { similarFunction } from "../similar/handler.ts";
import { publishableKey, testFunction } from "../testing.ts";
import { testApp } from "./testing.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool, url } = await testDatabase({ after }, "header_tenants");
const { posts, people } = await fillManyPosts(pool);
const [ofFirst, ofSecond, ofBoth] = people as [string, string, string];
const modelId = await publishVectors({ pool }, posts, unitVectors(new Random(1), posts.length));
for (const [graph, onnx] of Object.entries(tinyGraphs()))
  await pool.query(
    "update recsys_engine.model_artifacts set onnx = $3, sha256 = $4 where model_id = $1 and graph = $2",
    [modelId, graph, onnx, createHash("sha256").update(onnx).digest("hex")],
  );
await pool.query("select recsys.activate_model($1)", [modelId]);

before(async () => {
  await pool.query(`
    update recsys.settings set forwarded_headers = '{x-tenant-id}';
    alter table public.posts add column tenant text;
    update public.posts set tenant = (1 + ('x' || substr(md5(id::text), 1, 7))::bit(28)::integer % 2)::text;
    create table public.members (user_id uuid, tenant text, primary key (user_id, tenant));
    grant select on public.members to authenticated;
    create function public.tenant() returns text language sql stable as $$ select current_setting('request.headers', true)::json ->> 'x-tenant-id' $$;
    drop policy "public posts and one's own are readable" on public.posts;
    create policy "a member's posts of the tenant" on public.posts for select to authenticated
      using (tenant = (select public.tenant()) and exists (select from public.members where user_id = (select auth.uid()) and members.tenant = posts.tenant));
    create policy "a visitor's posts of the tenant" on public.posts for select to anon using (visibility = 'public' and tenant = (select public.tenant()))`);
  const { rows } = await pool.query<{ policyname: string }>(
    "select policyname from pg_policies where tablename = 'profiles' and cmd in ('SELECT', 'ALL')",
  );
  for (const { policyname } of rows) await pool.query(`drop policy ${JSON.stringify(policyname)} on public.profiles`);
  await pool.query(`
    create policy "members of the tenant" on public.profiles for select to authenticated
    using (exists (select from public.members where user_id = profiles.id and members.tenant = (select public.tenant())))`);
  await pool.query("insert into public.members values ($1, '1'), ($2, '2'), ($3, '1'), ($3, '2')", [
    ofFirst,
    ofSecond,
    ofBoth,
  ]);
});

const app = testApp({ after }, url);

/** Which tenants' posts a feed shows, or the code of its error. */
async function tenantsShown(headers: Record<string, string>): Promise<string[]> {
  const response = await app.request("/recommend?limit=50", { headers });
  const { items, error, degraded } = await response.json();
  if (error) return [error.code];
  // by the model, with what the worker keeps for all
  assert.equal(degraded, null);
  return await tenantsOf(items.map(({ post_id }: { post_id: string }) => post_id));
}

async function tenantsOf(ids: string[]): Promise<string[]> {
  const { rows } = await pool.query<{ tenant: string }>(
    "select distinct tenant from public.posts where id = any ($1) order by 1",
    [ids],
  );
  return rows.map(({ tenant }) => tenant);
}

const as = (userId: string, tenant?: string) => ({
  authorization: `Bearer ${userId}`,
  ...(tenant !== undefined && { "X-Tenant-Id": tenant }),
});
const visiting = (tenant?: string) => ({
  apikey: publishableKey,
  ...(tenant !== undefined && { "x-tenant-id": tenant }),
});

test("a member gets the posts of the header's tenant only, and none without a header", async () => {
  assert.deepEqual(await tenantsShown(as(ofFirst, "1")), ["1"]);
  assert.deepEqual(await tenantsShown(as(ofSecond, "2")), ["2"]);
  assert.deepEqual(await tenantsShown(as(ofFirst, "2")), ["unknown_user"]);
  assert.deepEqual(await tenantsShown(as(ofFirst)), ["unknown_user"]);
  const response = await app.request("/recommend", { headers: as(ofFirst) });
  assert.match((await response.json()).error.message, /^no row of recsys\.source_users is readable under this token: /);
  assert.deepEqual(await tenantsShown(visiting("2")), ["2"]);
  assert.deepEqual(await tenantsShown(visiting()), []);
});

test("one worker that answers for two tenants at once and in turn mixes none", async () => {
  for (let round = 0; round < 5; round++)
    assert.deepEqual(
      await Promise.all([
        tenantsShown(as(ofBoth, "1")),
        tenantsShown(as(ofBoth, "2")),
        tenantsShown(visiting("1")),
        tenantsShown(visiting("2")),
        tenantsShown(as(ofBoth)),
        tenantsShown(as(ofSecond, "2")),
      ]),
      [["1"], ["2"], ["1"], ["2"], ["unknown_user"], ["2"]],
    );
});

test("posts like one are those of the header's tenant", async () => {
  const similar = testFunction({ after }, url, similarFunction);
  const { rows } = await pool.query<{ id: string }>("select id from public.posts where tenant = '1' limit 1");
  const ask = async (tenant: string) => {
    const body = JSON.stringify({ post_id: rows[0]?.id, limit: 20 });
    const response = await similar.request("/similar", { method: "POST", headers: as(ofBoth, tenant), body });
    const { items, error } = await response.json();
    return error ? [error.code] : await tenantsOf(items.map(({ post_id }: { post_id: string }) => post_id));
  };
  assert.deepEqual([await ask("1"), await ask("2"), await ask("1")], [["1"], ["unknown_post"], ["1"]]);
});

/** What policies read of a request with these headers, where `names` are handed on. */
async function read(headers: Record<string, string>, names: string[]) {
  await pool.query("update recsys.settings set forwarded_headers = $1", [names]);
  // a pool of its own, since the list of headers is cached for a minute
  const worker = openPool(url, () => undefined);
  try {
    const sent = new Request("http://x/functions/v1/recommend", { method: "POST", headers });
    const caller = { sub: ofFirst, role: "authenticated", [request]: requestOfCaller(sent, "/recommend") };
    const query = {
      text: `select current_setting('request.headers')::json as headers, current_setting('request.method') as method, current_setting('request.path') as path,
        current_setting('request.jwt.claims')::json as claims`,
      values: [],
    };
    return await readAs<Read, Read>(worker, caller, query, async (_, [row]) => row as Read);
  } finally {
    await worker.end();
    await pool.query("update recsys.settings set forwarded_headers = '{x-tenant-id}'");
  }
}
interface Read {
  headers: Record<string, string>;
  method: string;
  path: string;
  claims: object;
}

const secret = { cookie: "session=1", authorization: "Bearer token", apikey: "sb_secret_1" };

test("headers that the setting does not name are not handed on, secrets among them", async () => {
  const sent = { ...secret, "x-tenant-id": "1", "x-other": "2" };
  assert.deepEqual(await read(sent, ["x-tenant-id"]), {
    headers: { "x-tenant-id": "1" },
    method: "POST",
    path: "/recommend",
    claims: { sub: ofFirst, role: "authenticated" },
  });
  assert.deepEqual((await read(sent, [])).headers, {});
  assert.deepEqual((await read(sent, ["x-none", "constructor"])).headers, {});
  assert.deepEqual((await read(sent, ["cookie"])).headers, { cookie: "session=1" });
});

test("odd values arrive as they were sent, and one too long does not", async () => {
  for (const odd of [`"}'; drop table posts; --`, '\\u0000","x-role":"admin', "ü\u00ff", "", "a\tb", "z".repeat(8192)])
    assert.deepEqual((await read({ "x-tenant-id": odd }, ["x-tenant-id"])).headers, { "x-tenant-id": odd });
  assert.deepEqual((await read({ "x-tenant-id": "z".repeat(8193) }, ["x-tenant-id"])).headers, {});
  assert.deepEqual(await tenantsShown(as(ofFirst, `1"}'; --`)), ["unknown_user"]);
  await assert.rejects(
    pool.query("update recsys.settings set forwarded_headers = '{X-Tenant-Id}'"),
    /forwarded_headers/,
  );
});

test("background work reads no headers: {}, and not those of an earlier transaction", async () => {
  const worker = openPool(url, () => undefined);
  const query = {
    text: "select current_setting('request.headers') as headers, current_setting('request.path') as path",
    values: [],
  };
  const sent = requestOfCaller(new Request("http://x", { headers: { "x-tenant-id": "1" } }), "/recommend");
  const rowsOf = (caller: Parameters<typeof readAs>[1]) => readAs(worker, caller, query, async (_, rows) => rows);
  assert.deepEqual(await rowsOf({ role: "anon", [request]: sent }), [
    { headers: '{"x-tenant-id":"1"}', path: "/recommend" },
  ]);
  assert.deepEqual(await rowsOf({ role: "anon" }), [{ headers: "{}", path: "" }]);
  await worker.end();
});

test("queries for many people, such as precomputed lists, do not use the requester's headers", async () => {
  const readable = `select cardinality(post_ids) as posts, current_setting('request.headers') as headers from recsys_engine.readable_posts(array[$1::uuid], null)`;
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      `create or replace function public.tenant() returns text language sql stable as $$ select current_setting('request.headers')::json ->> 'x-tenant-id' $$`,
    );
    // no transaction on this connection has set it yet
    const { rows } = await client.query(readable, [ofFirst]);
    assert.deepEqual(rows, [{ posts: 0, headers: "{}" }]);
    const sent = '{"x-tenant-id": "1"}';
    await client.query("select set_config('request.headers', $1, true)", [sent]);
    assert.deepEqual((await client.query(readable, [ofFirst])).rows, [{ posts: 0, headers: sent }]);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("a header that chooses among a member's own tenants leaves them all of these where there is no request", async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(`alter policy "a member's posts of the tenant" on public.posts using (
      tenant in (select tenant from public.members where user_id = (select auth.uid()))
      and tenant = coalesce((select current_setting('request.headers', true)::json ->> 'x-tenant-id'), tenant))`);
    const readable = "select post_ids from recsys_engine.readable_posts(array[$1::uuid], null)";
    const numberOf = async (user: string) => (await client.query(readable, [user])).rows[0].post_ids.length;
    const { rows } = await client.query(
      "select count(*)::int as all, count(*) filter (where tenant = '1')::int as first from public.posts",
    );
    assert.deepEqual([await numberOf(ofBoth), await numberOf(ofFirst)], [rows[0].all, rows[0].first]);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

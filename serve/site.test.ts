/** The pages and what they call besides the functions: served to this machine alone, under the caller's own role, by supabase-js' own calls. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { testDatabase } from "../db/testing.ts";
import { fillCommunity, people, post, privatePost } from "../testing/community.ts";
import { startGateway } from "./gateway.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "site");
await fillCommunity(pool);
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const site = join(folder, "site");
await mkdir(join(site, "console"), { recursive: true });
await writeFile(join(site, "index.html"), "<title>Feed</title>");
await writeFile(join(site, "console", "index.html"), "<title>Console</title>");
await writeFile(join(folder, "secret.json"), "{}");
const lines: string[] = [];
const gateway = await startGateway({ databaseUrl, port: 0, folder, site, onLog: (line) => lines.push(line) });
after(() => gateway.stop());

const client = () => createClient(gateway.url, gateway.publishableKey, { auth: { persistSession: false } });
async function signedIn(userId: string): Promise<SupabaseClient> {
  const supabase = client();
  const { error } = await supabase.auth.signInWithPassword({ email: `${userId}@members.invalid`, password: "any" });
  assert.ifError(error);
  return supabase;
}

test("the pages are served with a policy that lets nothing in from elsewhere and nobody frame them", async () => {
  for (const [path, title] of [
    ["/", "Feed"],
    ["/console/", "Console"],
  ]) {
    const response = await fetch(gateway.url + path);
    assert.equal(await response.text(), `<title>${title}</title>`);
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none';.*frame-ancestors 'none'/);
  }
  assert.deepEqual(await (await fetch(`${gateway.url}/config.json`)).json(), {
    url: gateway.url,
    key: gateway.publishableKey,
    members: true,
    clockShift: 0,
  });
});

test("no path leads out of the site", async () => {
  // fetch would tidy these up
  const status = (path: string) =>
    new Promise<number | undefined>((answer) => {
      const { hostname, port } = new URL(gateway.url);
      request({ hostname, port, path }, (response) => {
        response.resume();
        answer(response.statusCode);
      }).end();
    });
  for (const path of [
    "/../secret.json",
    "/%2e%2e/secret.json",
    "/..%2fsecret.json",
    "//secret.json",
    "/signing-key.json",
    "/none.html",
  ])
    assert.equal(await status(path), 404, path);
});

test("any member signs in, renews the token and signs out, by supabase-js' own calls", async () => {
  const ada = await signedIn(people.ada);
  const feed = await ada.functions.invoke("recommend", { body: { limit: 3 } });
  assert.equal(feed.data.items.length, 3);
  const { data, error } = await ada.auth.refreshSession();
  assert.ifError(error);
  assert.equal(data.user?.id, people.ada);
  assert.ifError((await ada.auth.signOut()).error);
});

test("whoever is nobody cannot sign in, and an access token renews nothing", async () => {
  const stranger = await client().auth.signInWithPassword({ email: `${post(1)}@members.invalid`, password: "any" });
  assert.equal(stranger.error?.code, "invalid_credentials");
  const token = await gateway.tokenOf(people.ada);
  const renewed = await client().auth.refreshSession({ refresh_token: token });
  assert.equal(renewed.error?.code, "refresh_token_not_found");
  const { data } = await (await signedIn(people.ada)).auth.getSession();
  const response = await fetch(`${gateway.url}/functions/v1/recommend`, {
    headers: { authorization: `Bearer ${data.session?.refresh_token}` },
  });
  assert.equal((await response.json()).error.code, "token_not_user", "and what renews is no access token");
});

test("a newcomer signs up once, and writes a profile, her own alone", async () => {
  const supabase = client();
  const { data, error } = await supabase.auth.signUp({ email: "Nina@new.invalid", password: "any" });
  assert.ifError(error);
  const id = data.user?.id as string;
  const again = await client().auth.signUp({ email: "nina@new.invalid", password: "any" });
  assert.equal(again.error?.code, "user_already_exists");
  const unknown = await supabase.functions.invoke("recommend");
  assert.equal((await unknown.error.context.json()).error.code, "unknown_user");
  assert.ifError((await supabase.from("profiles").insert({ id, passions: ["kites"], bio: "" })).error);
  const foreign = await supabase.from("profiles").insert({ id: post(2), passions: [], bio: "" });
  assert.equal(foreign.error?.code, "42501");
  assert.ifError((await supabase.from("profiles").update({ bio: "I fly" }).eq("id", id)).error);
  // row level security finds no row of hers there
  assert.ifError((await supabase.from("profiles").update({ bio: "hacked" }).eq("id", people.ada)).error);
  const { rows } = await pool.query("select bio from public.profiles where id = any($1) order by bio", [
    [id, people.ada],
  ]);
  assert.deepEqual(rows, [{ bio: "I fly" }, { bio: "I play" }]);
  assert.equal((await supabase.functions.invoke("recommend")).error, null);
});

test("row level security decides what is read: a visitor's, a member's, an author's posts", async () => {
  const count = async (supabase: SupabaseClient) => (await supabase.from("posts").select("id").limit(100)).data?.length;
  assert.equal(await count(client()), 30);
  assert.equal(await count(await signedIn(people.ben)), 30);
  assert.equal(await count(await signedIn(people.author)), 31);
  const hidden = await (await signedIn(people.ben))
    .from("posts")
    .select("title")
    .in("id", [post(1), privatePost]);
  assert.deepEqual(hidden.data, [{ title: "Post 1" }]);
  assert.equal((await client().from("profiles").select("id")).error?.code, "42501");
  const external = await (await signedIn(people.ben))
    .from("posts")
    .update({ title: "Mine" })
    .eq("id", post(1))
    .select("id");
  assert.deepEqual(external.data, []);
});

test("errors are PostgREST's: of a value, of a constraint, of what is not spoken", async () => {
  const ben = await signedIn(people.ben);
  assert.equal((await ben.from("posts").select("id").eq("id", "x")).error?.code, "22P02");
  assert.equal((await ben.from("posts").insert({ author_id: people.ben, title: null })).error?.code, "23502");
  const mute = { user_id: people.ben, kind: "topic", value: "chess" };
  assert.ifError((await ben.from("mutes").insert(mute)).error);
  assert.equal((await ben.from("mutes").insert(mute)).error?.code, "23505");
  assert.equal((await ben.from("posts").select("id").ilike("title", "a")).error?.code, "PGRST100");
  assert.equal((await ben.from("logins").select("id")).error?.code, "PGRST100");
});

test("a page of another website gets nothing, not even the side effect", async () => {
  const origin = "https://elsewhere.example";
  const body = JSON.stringify({ email: "victim@new.invalid", password: "any" });
  // what a browser sends without asking first
  const simple = { method: "POST", headers: { origin, "content-type": "text/plain" }, body };
  for (const [path, init] of [
    ["/auth/v1/signup", simple],
    ["/auth/v1/token?grant_type=password", simple],
    ["/rest/v1/posts?select=id", { headers: { origin, apikey: gateway.publishableKey } }],
    ["/rest/v1/posts", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } }],
    ["/local/members", { headers: { origin } }],
    ["/config.json", { headers: { origin } }],
    ["/functions/v1/recommend", { headers: { origin, apikey: gateway.publishableKey } }],
    ["/functions/v1/events", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } }],
  ] as const) {
    const response = await fetch(gateway.url + path, init);
    assert.equal(response.status, 403, path);
    assert.equal(response.headers.get("access-control-allow-origin"), null, path);
  }
  assert.equal((await pool.query("select from auth.users where email = 'victim@new.invalid'")).rowCount, 0);
});

test("an app in development may call the functions, and sign nobody in", async () => {
  const headers = { origin: "http://localhost:3000", apikey: gateway.publishableKey };
  assert.equal((await fetch(`${gateway.url}/functions/v1/recommend`, { headers })).status, 200);
  assert.equal((await fetch(`${gateway.url}/local/members`, { headers })).status, 403);
});

test("members are found by name and by what they care about, whatever is typed", async () => {
  const found = async (search: string) => {
    const response = await fetch(`${gateway.url}/local/members?search=${encodeURIComponent(search)}`);
    return ((await response.json()) as { user_id: string }[]).map(({ user_id }) => user_id);
  };
  assert.deepEqual(await found("GARD"), [people.ben]);
  assert.equal((await found("")).length, 5);
  assert.deepEqual(await found("%_';--"), []);
});

test("where a Supabase Auth keeps its sessions, nobody is signed in by this one", async (t) => {
  await pool.query("create table auth.refresh_tokens ()");
  t.after(() => pool.query("drop table auth.refresh_tokens"));
  const { error } = await client().auth.signInWithPassword({ email: `${people.ada}@members.invalid`, password: "any" });
  assert.equal(error?.code, "real_auth");
  assert.equal((await client().auth.signUp({ email: "eva@new.invalid", password: "any" })).error?.code, "real_auth");
  assert.deepEqual(await (await fetch(`${gateway.url}/local/members`)).json(), []);
});

test("for a database that is not on this machine there is the console alone, and no stand-ins", async (t) => {
  const far = new URL(databaseUrl);
  far.hostname = "db.example.com";
  const other = await startGateway({ databaseUrl: far.href, port: 0, folder, site, onLog: () => undefined });
  t.after(() => other.stop());
  assert.equal(other.servesFeedPage, false);
  for (const path of ["/console/", "/config.json"]) assert.equal((await fetch(other.url + path)).status, 200, path);
  for (const path of ["/", "/page.js", "/local/members", "/auth/v1/token", "/rest/v1/posts"])
    assert.equal((await fetch(other.url + path)).status, 404, path);
});

test("none of this put a line into the log", () => {
  assert.deepEqual(lines, []);
});

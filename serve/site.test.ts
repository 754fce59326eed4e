/** The pages and what they call besides the functions: served to this machine alone, under the caller's own role, by supabase-js' own calls. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { eventually } from "../client/testing-app.ts";
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
    ["/auth/v1/otp", simple],
    ["/auth/v1/otp", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } }],
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

test("an app in development may call the functions, sign people in and read tables, as on the platform", async () => {
  const headers = { origin: "http://localhost:3000", apikey: gateway.publishableKey };
  const asks = { "access-control-request-method": "POST", "access-control-request-headers": "apikey, x-client-info" };
  for (const path of ["/functions/v1/recommend", "/auth/v1/otp", "/auth/v1/token", "/rest/v1/posts"]) {
    const preflight = await fetch(gateway.url + path, { method: "OPTIONS", headers: { ...headers, ...asks } });
    assert.ok(preflight.ok, path);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*", path);
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /apikey.*x-client-info/, path);
  }
  for (const path of ["/functions/v1/recommend", "/rest/v1/posts?limit=1"]) {
    const answer = await fetch(gateway.url + path, { headers });
    assert.deepEqual([answer.status, answer.headers.get("access-control-allow-origin")], [200, "*"], path);
  }
  const unknown = await fetch(`${gateway.url}/auth/v1/user`, { headers });
  assert.deepEqual([unknown.status, unknown.headers.get("access-control-allow-origin")], [401, "*"]);
  assert.equal((await fetch(`${gateway.url}/local/members`, { headers })).status, 403);
});

/** The address that the link printed last leads to, without going there. */
async function whereTheLinkLeads(): Promise<URL> {
  // it comes by another way than the answer
  await eventually(async () => lines.length, 1);
  const [link] = /http\S+$/.exec(lines.splice(0)[0]) ?? assert.fail("no link was printed");
  const answer = await fetch(link, { redirect: "manual" });
  const again = await fetch(link, { redirect: "manual" });
  assert.match(again.headers.get("location") ?? "", /#error=access_denied&error_code=otp_expired/, "it works once");
  return new URL(answer.headers.get("location") ?? "");
}

test("the link that Auth would send by e-mail is printed, and signs in a newcomer or a member", async () => {
  const app = "http://localhost:3000/feed?tab=1";
  for (const email of ["rita@example.com", "rita@example.com", `${people.ben}@members.invalid`]) {
    const supabase = client();
    assert.ifError((await supabase.auth.signInWithOtp({ email, options: { emailRedirectTo: app } })).error);
    const back = await whereTheLinkLeads();
    assert.ok(back.href.startsWith(`${app}#`), back.href);
    const parts = new URLSearchParams(back.hash.slice(1));
    assert.equal(parts.get("type"), "magiclink");
    const tokens = { access_token: `${parts.get("access_token")}`, refresh_token: `${parts.get("refresh_token")}` };
    // supabase-js asks for the user of a session that it did not make
    const { data, error } = await supabase.auth.setSession(tokens);
    assert.ifError(error);
    assert.equal(data.user?.email, email);
    assert.equal((await supabase.auth.refreshSession()).data.user?.email, email);
  }
  const { rows } = await pool.query(
    "select count(*)::int as accounts from auth.users where email = 'rita@example.com'",
  );
  assert.deepEqual(rows, [{ accounts: 1 }]);
  const options = { shouldCreateUser: false };
  const { error } = await client().auth.signInWithOtp({ email: "nobody@example.com", options });
  assert.equal(error?.code, "otp_disabled");
});

test("a link leads back to a page of this machine alone, and there with what the page asked for", async () => {
  const asked = { email: "rita@example.com", options: { emailRedirectTo: "https://elsewhere.example/" } };
  assert.ifError((await client().auth.signInWithOtp(asked)).error);
  assert.equal((await whereTheLinkLeads()).origin, gateway.url);

  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const byCode = () => createClient(gateway.url, gateway.publishableKey, { auth: { flowType: "pkce", storage } });
  asked.options.emailRedirectTo = "http://localhost:3000/";
  const codeOf = async () => {
    assert.ifError((await byCode().auth.signInWithOtp(asked)).error);
    const back = await whereTheLinkLeads();
    assert.deepEqual([back.origin, back.hash], ["http://localhost:3000", ""], "no token is in the address");
    return back.searchParams.get("code") ?? "";
  };
  const code = await codeOf();
  const { data, error } = await byCode().auth.exchangeCodeForSession(code);
  assert.ifError(error);
  assert.equal(data.user?.email, "rita@example.com");
  const stolen = await codeOf();
  for (const key of kept.keys()) if (key.endsWith("code-verifier")) kept.set(key, '"of another browser"');
  assert.equal((await byCode().auth.exchangeCodeForSession(stolen)).error?.code, "bad_code_verifier");
});

test("an upsert that passes over duplicates leaves a row as it is", async () => {
  const ada = await signedIn(people.ada);
  const join = () => ada.from("profiles").upsert({ id: people.ada, bio: "of another" }, { ignoreDuplicates: true });
  assert.ifError((await join()).error);
  const { data } = await ada.from("profiles").select("bio").eq("id", people.ada);
  assert.deepEqual(data, [{ bio: "I play" }]);
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
  assert.equal((await client().auth.signInWithOtp({ email: "eva@new.invalid" })).error?.code, "real_auth");
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

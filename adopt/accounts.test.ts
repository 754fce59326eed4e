/** An app that knows its people by their accounts alone, from `recsys init --database` to a feed, by an owner who may do what a project's may. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { recsys as run } from "../cli/testing.ts";
import { publish, train } from "../cli/testing-whole-app.ts";
import { connect } from "../db/connect.ts";
import { withoutPostgres } from "../db/testing.ts";
import { ownedDatabase } from "../db/testing-owned.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { advisorFindings } from "../testing/advisors.ts";
import { publishRandomModel } from "../testing/batch.ts";
import { isFull } from "../testing/courses.ts";

const noPostgres = await withoutPostgres();

const root = fileURLToPath(new URL("..", import.meta.url));
const person = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

test("an app without a table of people", { skip: noPostgres }, async (t) => {
  // what was opened last is closed first
  const cleanings: (() => Promise<unknown>)[] = [];
  const scope = { after: (clean: () => Promise<unknown>) => void cleanings.unshift(clean) };
  t.after(async () => {
    for (const clean of cleanings) await clean();
  });
  const { url, platformUrl } = await ownedDatabase(scope, "accounts");
  const owner = await connect(url, { embedded: false });
  scope.after(() => owner.close());
  const platform = await connect(platformUrl, { embedded: false });
  scope.after(() => platform.close());
  const folder = await mkdtemp(join(tmpdir(), "recsys-accounts-"));
  scope.after(() => rm(folder, { recursive: true }));
  const app = join(folder, "app");
  await mkdir(join(app, "supabase/migrations"), { recursive: true });
  await writeFile(join(app, "supabase/config.toml"), 'project_id = "app"\n');
  const migration = join(app, "supabase/migrations/20250101000000_app.sql");
  await cp(new URL("fixtures/recipes.sql", import.meta.url), migration);
  await platform.pool.query(`grant insert on auth.users to ${new URL(url).username}`);

  const push = () =>
    promisify(execFile)(
      join(root, "node_modules/.bin/supabase"),
      ["db", "push", "--db-url", `${url.split("?")[0]}?sslmode=disable`, "--yes", "--workdir", app],
      { env: { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1" }, timeout: 120_000 },
    );
  const recsys = async (...args: string[]) => {
    const { status, stdout, stderr } = await run(args, folder);
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    return stdout;
  };
  const checked = async () => (await owner.pool.query("select problem from recsys.check()")).rows;
  const people = async () => (await owner.pool.query("select user_id from recsys.source_users")).rows.length;

  await t.test("its draft is pushed as it stands, and nothing is wrong with it", async () => {
    await push();
    const said = await recsys("init", "--into", app, "--database", url);
    assert.match(said, /unsure {2}auth\.users: the app has no table of people, so public\.recsys_people is made/);
    await push();
    assert.equal(await people(), 80);
    assert.doesNotMatch(await recsys("check", "--database", url), /PROBLEM/);
    assert.deepEqual(await advisorFindings(`${url.split("?")[0]}?sslmode=disable`), []);
    // made, it is a table like any other, which may have got columns of its own
    await owner.pool.query("alter table recsys_people add column bio text; update recsys_people set bio = 'I bake'");
    const again = await recsys("draft", "--database", url);
    assert.match(again, /left\(coalesce\(recsys_people\.bio, ''\), 50000\) as bio/);
    assert.match(again, /^from public\.recsys_people as recsys_people$/m);
    assert.doesNotMatch(again, /create table/);
    await owner.pool.query("create index on recipe_views (recsys.id_of(recipe_id), viewed_at)");
  });

  await t.test(isFull ? "a model is trained and published" : "a random model is published", async () => {
    if (isFull) await publish(owner, await train(scope, owner));
    else {
      await owner.pool.query("select recsys.roll_up(null)");
      await publishRandomModel(owner, "random");
    }
    assert.deepEqual(await checked(), []);
    const { rows } = await owner.pool.query("select count(distinct user_id)::int from recsys_engine.user_stats");
    assert.equal(rows[0].count, 80);
  });

  const functions = testApp(scope, url);
  const titles = async (user: string) => {
    const { status, body } = await functions.call(user, { limit: 10 });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.degraded, functions.logged], [null, []]);
    return body.items.map(({ title }) => title);
  };

  await t.test("people are served a feed, without what they blocked", async () => {
    assert.equal((await titles(person(2))).length, 10);
    const shown = await titles(person(1));
    assert.equal(shown.length, 10);
    assert.deepEqual(
      shown.filter((title) => title.startsWith("Cake")),
      [],
    );
  });

  await t.test("whoever signs up is one of them, though Auth has no rights on the app's tables", async () => {
    await platform.pool.query(
      `grant insert on auth.users to service_role; set role service_role; insert into auth.users (id) values ('${person(81)}'); reset role`,
    );
    assert.equal(await people(), 81);
    assert.equal((await titles(person(81))).length, 10);
  });

  await t.test("nobody is kept from signing up by what is wrong here", async () => {
    await owner.pool.query("alter table recsys_engine.embedding_jobs rename to gone");
    await platform.pool.query("insert into auth.users (id) values ($1)", [person(82)]);
    await owner.pool.query("alter table recsys_engine.gone rename to embedding_jobs");
    assert.equal(await people(), 81);
    assert.equal((await platform.pool.query("select from auth.users")).rows.length, 82);
  });

  await t.test("members see neither the others nor auth.users", async () => {
    const client = await owner.pool.connect();
    try {
      await client.query("begin");
      await client.query(
        "select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)",
        [JSON.stringify({ sub: person(1), role: "authenticated" })],
      );
      const { rows } = await client.query("select user_id from recsys.source_users");
      assert.deepEqual(rows, [{ user_id: person(1) }]);
      await assert.rejects(client.query("select from auth.users"), { code: "42501" });
    } finally {
      await client.query("rollback");
      client.release();
    }
  });

  await t.test("who deletes their account is forgotten", async () => {
    await platform.pool.query("delete from auth.users where id = $1", [person(2)]);
    await owner.pool.query("select recsys.erase()");
    const { rows } = await owner.pool.query("select from recsys.user_embeddings where user_id = $1", [person(2)]);
    assert.deepEqual([await people(), rows.length], [80, 0]);
  });

  await t.test("the owner cannot drop the trigger, but what it calls, and both are gone", async () => {
    await assert.rejects(owner.pool.query("drop trigger recsys_people_of_accounts on auth.users"), { code: "42501" });
    await owner.pool.query("drop function public.recsys_people_of_accounts cascade");
    await platform.pool.query("insert into auth.users (id) values ($1)", [person(83)]);
    assert.equal(await people(), 80);
  });
});

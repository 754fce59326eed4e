/** What the commands do to a database. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, type TestContext, test } from "node:test";
import { bundleFolder } from "../../db/bundle/testing.ts";
import { type Scope, testDatabase } from "../../db/testing.ts";
import { clear, fillCommunity, people, publishTinyModel } from "../../testing/community.ts";
import { handMadeModel } from "../../testing/gate.ts";
import { writeModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { recsys as run } from "../testing.ts";

const { pool, url } = await testDatabase({ after }, "commands");
// what commands leave outside the database goes into a folder of its own
const folder = await mkdtemp(join(tmpdir(), "recsys-commands-"));
after(() => rm(folder, { recursive: true }));
beforeEach(() => clear(pool));

const recsys = (...args: string[]) => run(args, folder);

test("rollback brings back the model that served before, and says so where there is none", async () => {
  const none = await recsys("rollback", "--database", url);
  assert.deepEqual([none.status, none.stdout], [1, ""]);
  assert.match(
    none.stderr,
    /^recsys: no model serves, so there is none to roll back: `npx --no-install recsys activate MODEL` /,
  );
  await publishTinyModel(pool, { name: "first" });
  await publishTinyModel(pool, { name: "second" });
  const { status, stdout, stderr } = await recsys("rollback", "--database", url);
  assert.equal(status, 0, stderr);
  // another model's topics are made with it
  assert.match(
    stdout,
    /^model first serves again, instead of second\n0 topics in 0 posts, by the vectors of model first\n/,
  );
  const { rows } = await pool.query("select name, status from recsys.models order by model_id");
  assert.deepEqual(rows, [
    { name: "first", status: "active" },
    { name: "second", status: "rolled_back" },
  ]);
  const again = await recsys("rollback", "--database", url);
  assert.deepEqual([again.status, again.stdout], [1, ""]);
  assert.match(again.stderr, /^recsys: there is no earlier model to roll back to/);
  const other = await recsys("rollback", "second", "--database", url);
  assert.deepEqual([other.status, other.stderr], [1, "recsys: model second does not serve: first does\n"]);
});

test("recommend prints a feed and logs no impressions", async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  const { status, stdout, stderr } = await recsys("recommend", people.ada, "--limit", "3", "--database", url);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /model tiny, from what they did/);
  assert.equal((await pool.query("select from recsys.impressions")).rowCount, 0);
});

test("a cut after everything is refused with the last instant there is", async () => {
  await fillCommunity(pool);
  const args = ["evaluate", "--protocol", "cut", "--split", "2099-01-01", "--database", url];
  const { status, stdout, stderr } = await recsys(...args);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(
    stderr,
    /recsys: nothing happened from 2099-01-01T00:00:00.000Z on to be tested by: the last interaction is of 20/,
  );
});

test("import says how many of each there are, follows among them", async (t) => {
  const { status, stdout, stderr } = await recsys("import", "--data", await bundleFolder(t), "--database", url);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^users +\d+ read[\s\S]*\nfollows +\d+ read, \d+ added, 0 updated, 0 already there$/m);
});

test("publish without a folder takes no model of another community", async () => {
  const stranger = { name: "stranger", community: "0b9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d" };
  await writeModelFolder(join(folder, ".recsys/models/model-1"), await handMadeModel(stranger));
  const { status, stderr } = await recsys("publish", "--database", url);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /holds no model of this database's community: run `npx --no-install recsys train` first, or name a folder/,
  );
  const named = await recsys("publish", join(folder, ".recsys/models/model-1"), "--database", url);
  assert.match(named.stderr, /model stranger was trained on another community/);
  assert.equal((await pool.query("select from recsys.models")).rowCount, 0);
});

/** A database with an app's own tables in it and nothing of ours. */
async function appsOwn(scope: Scope) {
  const database = await testDatabase(scope, "apps_own");
  await database.pool.query(
    "drop schema recsys, recsys_engine, public, supabase_migrations cascade; create schema public; grant usage on schema public to public",
  );
  await database.pool.query(
    "create table public.orders (id int); create schema shop; create table shop.posts (id int)",
  );
  return database;
}

for (const command of ["start", "import"])
  test(`${command} changes nothing in a database that holds an app's tables`, async (t: TestContext) => {
    const database = await appsOwn(t);
    const data = command === "import" ? ["--data", folder] : ["--exit"];
    const { status, stderr } = await recsys(command, "--database", database.url, ...data);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^recsys: this database holds the tables of an app \(public\.orders, shop\.posts\), and nothing/,
    );
    const { rows } = await database.pool.query(
      "select to_regclass('public.profiles') as app, to_regnamespace('recsys') as engine",
    );
    assert.deepEqual(rows, [{ app: null, engine: null }]);
  });

test("start invents no users in an app's database where the engine is installed", async (t) => {
  const database = await testDatabase(t, "installed");
  await database.pool.query("create table public.orders (id int)");
  const { status, stderr } = await recsys("start", "--exit", "--database", database.url);
  assert.equal(status, 1);
  assert.match(stderr, /holds the tables of an app \(public\.orders\) and no users yet/);
  assert.equal((await database.pool.query("select from public.profiles")).rowCount, 0);
});

test("views alone make a database an app's, too", async (t) => {
  const database = await appsOwn(t);
  await database.pool.query(
    "drop table public.orders; drop schema shop cascade; create view public.report as select 1",
  );
  const { status, stderr } = await recsys("start", "--exit", "--database", database.url);
  assert.equal(status, 1);
  assert.match(stderr, /holds the tables of an app \(public\.report\), and nothing was changed/);
});

test("where an app has installed the engine for itself, its migrations are left to it and no bundle is imported", async (t) => {
  const database = await testDatabase(t, "adopter");
  await database.pool.query("delete from supabase_migrations.schema_migrations where version = '20261125000100'");
  await database.pool.query("insert into supabase_migrations.schema_migrations (version) values ('20240101000000')");
  const { status, stderr } = await recsys("import", "--data", folder, "--database", database.url);
  assert.equal(status, 1);
  assert.match(stderr, /^recsys: this database has an app of its own: a bundle can be imported only where/);
});

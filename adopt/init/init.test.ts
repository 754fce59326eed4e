/** `recsys init`: what it writes into an app's folder, what a later one leaves and replaces, and what it refuses. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { recsys } from "../../cli/testing.ts";
import { engineMigrations, init, versionsAfter, withStanza } from "./init.ts";

const now = new Date("2026-11-26T10:15:00Z");

/** The folder of an app with one migration. */
async function app(t: TestContext, version = "20250101000000"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-init-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "supabase/migrations"), { recursive: true });
  await writeFile(join(folder, "supabase/config.toml"), 'project_id = "app"\n\n[functions.hello]\nverify_jwt = true\n');
  await writeFile(
    join(folder, `supabase/migrations/${version}_app.sql`),
    "create table public.posts (id bigint primary key);",
  );
  return folder;
}

const migrationsOf = async (folder: string) => (await readdir(join(folder, "supabase/migrations"))).sort();

test("it writes migrations behind the app's own, in the order of the releases and without the example app, the one to fill last", async (t) => {
  const folder = await app(t);
  const { added, sources, upgraded } = await init(folder, now);
  assert.equal(upgraded, false);
  assert.deepEqual(await migrationsOf(folder), ["20250101000000_app.sql", ...added, sources]);
  assert.deepEqual(
    added.map((file) => file.replace(/^\d{14}_(.*)\.sql$/, "$1")),
    (await engineMigrations()).map(({ name }) => name),
  );
  assert.equal(sources, "20261126101500_recsys_sources.sql");
  for (const [i, name] of added.entries()) {
    const sql = await readFile(join(folder, "supabase/migrations", name), "utf8");
    // the first release makes the schema, and those after it go on from there
    assert.equal(/create schema recsys;/.test(sql), i === 0, name);
    assert.doesNotMatch(sql, /public\.(profiles|posts|comments|logins|post_views|post_votes|projects|mutes)\b/, name);
  }
});

test("functions are in a folder of their own, without tests, and have their stanza next to the app's", async (t) => {
  const folder = await app(t);
  await init(folder, now);
  const files = (await readdir(join(folder, "supabase/functions"), { recursive: true })).sort();
  assert.ok(files.includes("_recsys/recommend/index.ts") && files.includes("_recsys/_shared/http/auth.ts"));
  assert.deepEqual(
    files.filter((file) => /test|_local|\/events\//.test(file)),
    [],
  );
  const config = await readFile(join(folder, "supabase/config.toml"), "utf8");
  assert.match(config, /^project_id = "app"\n\n\[functions\.hello\]\nverify_jwt = true\n\n# recsys: begin/);
  assert.equal(config.match(/verify_jwt = false/g)?.length, 4);
});

test("a later one adds what is new, replaces what is the engine's, and keeps what the team filled", async (t) => {
  const folder = await app(t);
  const release = (...names: string[]) => names.map((name) => ({ version: "", name, sql: `-- ${name}` }));
  const { added, sources } = await init(folder, now, undefined, release("recsys_1_0_0", "recsys_1_1_0"));
  const [first, second] = ["20261126101458_recsys_1_0_0.sql", "20261126101459_recsys_1_1_0.sql"];
  assert.deepEqual([added, sources], [[first, second], "20261126101500_recsys_sources.sql"]);
  const at = (name: string) => join(folder, "supabase/migrations", name);
  // a team that edited one, has one that no release had, and went on
  await writeFile(at(second), "-- edited");
  await writeFile(at(sources), "-- ours");
  await writeFile(at("20270101000000_later.sql"), "-- of the app");
  await writeFile(join(folder, "supabase/functions/_recsys/_shared/old.ts"), "");
  const later = release("recsys_1_0_0", "recsys_1_1_0", "recsys_2_0_0");
  const newest = "20270101000001_recsys_2_0_0.sql";
  assert.deepEqual(await init(folder, now, undefined, later), {
    added: [newest],
    changed: [second],
    left: [],
    sources,
    upgraded: true,
  });
  assert.deepEqual((await migrationsOf(folder)).at(-1), newest);
  assert.equal(await readFile(at(sources), "utf8"), "-- ours");
  assert.equal(await readFile(at(second), "utf8"), "-- recsys_1_1_0");
  assert.ok(!(await readdir(join(folder, "supabase/functions/_recsys/_shared"))).includes("old.ts"));

  const before = await readFile(join(folder, "supabase/config.toml"), "utf8");
  await assert.rejects(
    init(folder, now, undefined, release("recsys_1_0_0", "recsys_1_1_0")),
    /^UserError: the app has recsys 2\.0\.0, which is later than this one: install the package of 2\.0\.0$/,
  );
  const third = await init(folder, now, undefined, later);
  assert.deepEqual([third.added, third.changed], [[], []]);
  assert.equal(await readFile(join(folder, "supabase/config.toml"), "utf8"), before);
});

test("between two releases what is not released yet is written once more, as it is by then", async (t) => {
  const folder = await app(t);
  const checkout = (sql: string) => [
    { version: "", name: "recsys_1_0_0", sql: "-- released" },
    { version: "", name: "recsys_unreleased", sql },
  ];
  await init(folder, now, undefined, checkout("-- first"));
  const again = await init(folder, now, undefined, checkout("-- then"));
  const file = "20261126101459_recsys_unreleased.sql";
  assert.deepEqual([again.added, again.changed], [[], [file]]);
  assert.equal(await readFile(join(folder, "supabase/migrations", file), "utf8"), "-- then");
});

test("a draft takes the place of the migration to fill, once", async (t) => {
  const folder = await app(t);
  const { sources } = await init(folder, now, "-- drafted");
  const path = join(folder, "supabase/migrations", sources);
  const written = await readFile(path, "utf8");
  assert.match(written, /^-- drafted\n-- As recsys init wrote it \([0-9a-f]{16}\): [^\n]*\n$/);
  await init(folder, now, "-- drafted again");
  assert.equal(await readFile(path, "utf8"), written);
});

test("where something is in the way it says so in a line and writes nothing", async (t) => {
  const refusals: [name: string, prepare: (folder: string) => Promise<unknown>, reason: RegExp][] = [
    [
      "no app there",
      (folder) => rm(join(folder, "supabase"), { recursive: true }),
      /config\.toml is not there: name the folder of your app, or run `npx supabase init`/,
    ],
    [
      "a function of that name",
      (folder) => mkdir(join(folder, "supabase/functions/recommend"), { recursive: true }),
      /supabase\/functions\/recommend is a function of the app's own/,
    ],
    [
      "a stanza of that name",
      (folder) => writeFile(join(folder, "supabase/config.toml"), '[functions."similar"]\nverify_jwt = true\n'),
      /config\.toml has a function similar of the app's own/,
    ],
    [
      "half a stanza",
      (folder) => writeFile(join(folder, "supabase/config.toml"), "# recsys: end\n"),
      /one of the two lines .* without the other/,
    ],
    [
      "migrations of before 1.0",
      (folder) => writeFile(join(folder, "supabase/migrations/20261126101500_recsys_000960_sources.sql"), ""),
      /20261126101500_recsys_000960_sources\.sql is of a version before 1\.0, which cannot be upgraded: delete .* and begin with a new database/,
    ],
    [
      "what was never released",
      (folder) => writeFile(join(folder, "supabase/migrations/20261126101500_recsys_unreleased.sql"), ""),
      /recsys_unreleased\.sql is of a version that was never released and cannot be upgraded/,
    ],
    [
      "a version that is no instant",
      (folder) => writeFile(join(folder, "supabase/migrations/99999999999999_last.sql"), ""),
      /the version 99999999999999, which is no instant/,
    ],
  ];
  for (const [name, prepare, reason] of refusals)
    await t.test(name, async (t) => {
      const folder = await app(t);
      await prepare(folder);
      const before = await readdir(folder, { recursive: true });
      const released = [{ version: "", name: "recsys_1_0_0", sql: "" }];
      await assert.rejects(init(folder, now, undefined, released), { name: "UserError", message: reason });
      assert.deepEqual(await readdir(folder, { recursive: true }), before);
    });
  const root = fileURLToPath(new URL("../..", import.meta.url));
  await assert.rejects(init(root, now), /this is the recommender's own folder/);
});

test("versions are a second apart, behind the last, and end now where they can", () => {
  assert.deepEqual(versionsAfter([], 2, now), ["20261126101459", "20261126101500"]);
  assert.deepEqual(versionsAfter(["0001"], 1, now), ["20261126101500"]);
  assert.deepEqual(versionsAfter(["20261126101459"], 2, now), ["20261126101500", "20261126101501"]);
  assert.deepEqual(versionsAfter(["20271231235959", "20250101000000"], 2, now), ["20280101000000", "20280101000001"]);
  assert.deepEqual(versionsAfter([], 0, now), []);
});

test("the stanza is replaced wherever it is, and what is around it stays", () => {
  const first = withStanza("a = 1\n", ["recommend"]);
  const moved = `${first}\n[b]\nc = 2\n`;
  const second = withStanza(moved, ["recommend", "embed"]);
  assert.match(
    second,
    /^a = 1\n\n\[b\]\nc = 2\n\n# recsys: begin.*\[functions\.recommend\].*\[functions\.embed\].*# recsys: end\n$/s,
  );
  assert.equal(withStanza(second, ["recommend", "embed"]), second);
});

test("the command says what to do next", async (t) => {
  const folder = await app(t);
  const first = await recsys(["init", "--into", folder], folder);
  assert.deepEqual([first.status, first.stderr], [0, ""]);
  assert.match(first.stdout, /Next:\n {2}1\. \.\/supabase\/migrations\/\d{14}_recsys_sources\.sql: say where/);
  const second = await recsys(["init"], folder);
  assert.match(second.stdout, /0 written, \d{14}_recsys_sources\.sql kept as it is.*Next: npx supabase db push/s);
});

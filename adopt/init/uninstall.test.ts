/** `recsys uninstall` restores an app's database and folder to their state before the installation. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type pg from "pg";
import { recsys } from "../../cli/testing.ts";
import type { Database } from "../../db/connect.ts";
import { withoutPostgres } from "../../db/testing.ts";
import { pickCases } from "../../testing/courses.ts";
import { draftDatabase } from "../draft/draft-views.ts";
import { fixture } from "../testing.ts";
import { emptyDatabase, fillBlog, migrationOf } from "../testing-blog.ts";
import { engineMigrations, init } from "./init.ts";
import { readInstalled, takeOut } from "./uninstall-database.ts";

const skip = await withoutPostgres();

/** As old as the server at least. */
const pgDump = globSync("/usr/lib/postgresql/*/bin/pg_dump").sort().at(-1) ?? "pg_dump";

/** The whole database as statements, without what names the dump itself and, of one that had no vectors, without their extension. */
async function dumpOf(url: string): Promise<string> {
  const { stdout } = await promisify(execFile)(pgDump, ["--exclude-table-data=auth.*", url], { maxBuffer: 1e9 });
  return stdout
    .replace(/^\\(un)?restrict .*$/gm, "")
    .replace(/^.*\bEXTENSION (IF NOT EXISTS )?vector\b.*$/gm, "")
    .replace(/^-- Name: (EXTENSION )?vector; .*$/gm, "")
    .replace(/(^(--)?\n)+/gm, "");
}

/** Digests of all files below a folder, by path. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digests = await Promise.all(
    paths.sort().map(async (path) => {
      const digest = createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
      return [path.slice(folder.length + 1), digest];
    }),
  );
  return Object.fromEntries(digests);
}

/** Applies missing migrations and records them, as `supabase db push` does. */
async function push(pool: pg.Pool, folder: string): Promise<void> {
  for (const file of (await readdir(join(folder, "supabase/migrations"))).sort()) {
    const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(file) as RegExpExecArray;
    const noted =
      "insert into supabase_migrations.schema_migrations (version, name) values ($1, $2) on conflict do nothing";
    if ((await pool.query(noted, [version, name])).rowCount === 0) continue;
    await pool.query(await readFile(join(folder, "supabase/migrations", file), "utf8"));
  }
}

/** Takes the recommender out of a database. */
async function takeOutOf(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await takeOut(client, (await readInstalled(client, []))?.steps ?? []);
    assert.equal(await readInstalled(client, []), null);
  } finally {
    client.release();
  }
}

/** What a project has of pg_cron and the Vault, as far as an uninstallation looks there. */
const cronAndVault = `
create schema cron;
create table cron.job (jobid bigint primary key, jobname text);
create table cron.job_run_details (jobid bigint);
create function cron.unschedule(job_id bigint) returns boolean language sql as 'delete from cron.job where jobid = job_id returning true';
insert into cron.job values (1, 'nightly report of the app'); insert into cron.job_run_details values (1);
create schema vault;
create table vault.secrets (name text);
insert into vault.secrets values ('of_the_app');
create schema supabase_migrations;
create table supabase_migrations.schema_migrations (version text primary key, name text);`;

/** The blog's folder and database, before the recommender came. */
async function blog(t: TestContext): Promise<Database & { folder: string }> {
  const database = await emptyDatabase(t, "uninstall");
  const folder = await mkdtemp(join(tmpdir(), "recsys-uninstall-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "supabase/migrations"), { recursive: true });
  await mkdir(join(folder, "supabase/functions/hello"), { recursive: true });
  await writeFile(join(folder, "supabase/functions/hello/index.ts"), "Deno.serve(() => new Response())\n");
  await writeFile(
    join(folder, "supabase/config.toml"),
    'project_id = "blog"\n\n[functions.hello]\nverify_jwt = true\n',
  );
  await writeFile(join(folder, "supabase/migrations/20250101000000_blog.sql"), migrationOf("_blog"));
  await database.pool.query(cronAndVault);
  await push(database.pool, folder);
  await fillBlog(database.pool);
  return { ...database, folder };
}

test("an app with drafted views is restored, in its database and its folder", {
  skip,
}, async (t) => {
  const { pool, url, folder } = await blog(t);
  const before = { dump: await dumpOf(url), files: await filesOf(folder) };
  const uninstall = (...more: string[]) => recsys(["uninstall", "--database", url, "--from", folder, ...more]);
  const absent = await uninstall();
  assert.equal(absent.status, 1);
  assert.match(
    absent.stderr,
    /^recsys: recsys is not installed: neither in this database nor in \/.*\/supabase \(--from /,
  );

  await init(folder, new Date("2026-11-26T10:15:00Z"), (await draftDatabase(pool)).sql);
  await push(pool, folder);
  await pool.query(`
    insert into cron.job values (2, 'recsys embed'), (3, 'recsys roll-up'); insert into cron.job_run_details values (2);
    insert into vault.secrets values ('recsys_secret_key'), ('recsys_project_url');
    create index on blog.comments (recsys.id_of(post_id), created_at)`);
  const installed = { dump: await dumpOf(url), files: await filesOf(folder) };
  assert.notEqual(installed.dump, before.dump);

  const said = await uninstall();
  assert.deepEqual([said.status, said.stderr], [0, ""]);
  for (const line of [
    "jobs of pg_cron: recsys embed, recsys roll-up",
    "secrets of the Vault: recsys_project_url, recsys_secret_key",
    "schema recsys and schema recsys_engine: ",
    "column blog.posts.recsys_id",
    "trigger recsys_",
    "right of service_role to read blog.members (id, ",
    "index blog.comments_id_of_created_at_idx",
    "rows of supabase_migrations.schema_migrations: 2026",
    "supabase/functions/_recsys\n",
    "supabase/config.toml: ",
    "extension vector, ",
  ])
    assert.ok(said.stdout.includes(`\n  ${line}`), `${line}\n${said.stdout}`);
  assert.match(said.stdout, /Nothing was changed\. With --yes all of this is taken out\.\n$/);
  assert.deepEqual({ dump: await dumpOf(url), files: await filesOf(folder) }, installed);

  const done = await uninstall("--yes");
  assert.deepEqual([done.status, done.stderr], [0, ""]);
  assert.match(done.stdout, /recsys is uninstalled\n$/);
  assert.equal(await dumpOf(url), before.dump);
  assert.deepEqual(await filesOf(folder), before.files);
  assert.equal((await uninstall("--yes")).status, 1);
});

test("after an interruption behind the database, a second run removes the files", { skip }, async (t) => {
  const { pool, url, folder } = await blog(t);
  const before = await filesOf(folder);
  await init(folder, new Date(), (await draftDatabase(pool)).sql);
  await push(pool, folder);
  await takeOutOf(pool);
  const { status, stdout } = await recsys(["uninstall", "--database", url, "--from", folder, "--yes"]);
  assert.equal(status, 0);
  assert.doesNotMatch(stdout, /schema recsys/);
  assert.deepEqual(await filesOf(folder), before);
});

test("changed files are kept, and the app's migrations that use the recommender are named", { skip }, async (t) => {
  const { pool, url, folder } = await blog(t);
  const before = await filesOf(folder);
  const { sources } = await init(folder, new Date(), (await draftDatabase(pool)).sql);
  await appendFile(join(folder, "supabase/migrations", sources), "-- ours\n");
  await push(pool, folder);
  await appendFile(join(folder, "supabase/functions/_recsys/recommend/index.ts"), "// ours\n");
  await writeFile(join(folder, "supabase/migrations/20990101000000_more.sql"), "select recsys.version();\n");
  const { status, stdout } = await recsys(["uninstall", "--database", url, "--from", folder, "--yes"]);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /_recsys_sources\.sql, which was changed since init wrote it: kept as supabase\/recsys_kept\/migrations\//,
  );
  assert.match(stdout, /20990101000000_more\.sql, which uses the recommender: take that out/);
  const after = await filesOf(folder);
  assert.deepEqual(
    Object.keys(after).filter((path) => before[path] !== after[path]),
    [
      "supabase/migrations/20990101000000_more.sql",
      "supabase/recsys_kept/functions/_recsys/recommend/index.ts",
      `supabase/recsys_kept/migrations/${sources}`,
    ],
  );
  assert.match(await readFile(join(folder, "supabase/recsys_kept/migrations", sources), "utf8"), /\n-- ours\n$/);
  const { rows } = await pool.query("select version from supabase_migrations.schema_migrations");
  assert.deepEqual(rows, [{ version: "20250101000000" }]);
});

test("an uninstallation that cannot be done changes nothing", { skip }, async (t) => {
  const { pool, url, folder } = await blog(t);
  await init(folder, new Date(), (await draftDatabase(pool)).sql);
  await push(pool, folder);
  await t.test("while a session reads its tables it gives up after seconds, and says what to stop", async () => {
    const reader = await pool.connect();
    await reader.query("begin; select from recsys.source_posts limit 1");
    const { status, stderr } = await recsys(["uninstall", "--database", url, "--from", folder, "--yes"]);
    await reader.query("rollback");
    reader.release();
    assert.equal(status, 1);
    assert.match(stderr, /somebody uses the recommender's tables, and nothing was changed: end recsys serve/);
  });
  await t.test("objects of the app that depend on the recommender stop it before any change", async () => {
    await pool.query(`
      create view public.our_figures as select count(*) from recsys.daily_metrics;
      create policy "what is not withheld" on blog.comments as restrictive for select to authenticated using (recsys.clock() > created_at);
      create view public.our_ids as select recsys_id from blog.posts`);
    const installed = await dumpOf(url);
    const { status, stderr } = await recsys(["uninstall", "--database", url, "--from", folder, "--yes"]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /nothing was changed: .*policy "what is not withheld" on blog\.comments.*view public\.our_figures.*view public\.our_ids.*Change or drop them first$/m,
    );
    assert.equal(await dumpOf(url), installed);
  });
});

// every trait: people without a table of them or without accounts, keys that are numbers and texts, partitions, follows; ITEMS asks for all
const sample = ["todos", "forum", "statuses", "notes", "magazine", "recipes"];
const fixtures = globSync(new URL("../fixtures/*.sql", import.meta.url).pathname).map((path) => basename(path, ".sql"));
for (const name of pickCases(process.env.ITEMS === undefined ? sample : fixtures.sort()))
  test(`the database of the app ${name} is as it was`, { skip }, async (t) => {
    const { pool, url } = await emptyDatabase(t, `uninstall_${name.replace("-", "_")}`);
    await pool.query(await fixture(name));
    const before = await dumpOf(url);
    for (const { sql } of await engineMigrations()) await pool.query(sql);
    const { sql } = await draftDatabase(pool);
    await pool.query(sql);
    await takeOutOf(pool);
    assert.equal(await dumpOf(url), before);
  });

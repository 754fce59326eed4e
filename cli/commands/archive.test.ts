/** `recsys archive` and `recsys export --s3` as one types them: into a storage that speaks S3's protocol, ended in the middle, and back. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eitherDatabase, withoutPostgres } from "../../db/testing.ts";
import { fillCommunity, people, post } from "../../testing/community.ts";
import { daysAgo, logDay } from "../../trainer/archive/testing.ts";
import { communityFromDatabase } from "../../trainer/data/replay/from-database.ts";
import { type Storage, startStorage, withoutStorage } from "../../trainer/storage/testing.ts";
import { temporaryFolder } from "../../trainer/testing.ts";
import { recsys } from "../testing.ts";

const skip = withoutStorage;
const noRoles = await withoutPostgres();
const database = await eitherDatabase({ after }, "archive_command");
const { pool, url } = database;
const folder = await temporaryFolder({ after });
const storage: Storage = skip ? (undefined as never) : await startStorage({ after });
const days = [40, 39].map(daysAgo);
const program = fileURLToPath(new URL("../cli.ts", import.meta.url));

before(async () => {
  await fillCommunity(pool);
  if (!skip) Object.assign(process.env, storage.env);
});

const run = (...args: string[]) => recsys([...args, "--database", url], folder);

const refusals: [args: string[], message: RegExp][] = [
  [[], /^recsys: --out names the folder that the files go to/m],
  [["--out", "x", "--before", "soon"], /a day such as 2017-04-01 is needed/],
  [["--out", "x", "--before", "2026-02-30"], /is needed/],
  [
    ["--out", "x", "--restore", "2026-02-01"],
    /^recsys: where the files of a day are is known: with --restore leave --out out$/m,
  ],
  [["--s3", "s3://bucket", "--restore", "2026-02-01"], /with --restore leave --s3 out/],
  [["--restore", "2026-02-02..2026-02-01"], /days such as 2017-04-01..2017-04-30 are needed/],
  [["--restore", "2026-02-01..2026-02-02..2026-02-03"], /days such as/],
  [["--restore", ""], /a day such as/],
  [
    ["--out", "x", "--s3", "https://bucket"],
    /^recsys: https:\/\/bucket names no bucket: s3:\/\/BUCKET\/PREFIX is needed$/m,
  ],
  [["--out", "x"], /^recsys: the exposure log has months, and what is archived are days: update recsys.settings/m],
];
for (const [args, message] of refusals)
  test(`recsys archive ${args.join(" ")}`, async () => {
    const { status, stdout, stderr } = await run("archive", ...args);
    assert.deepEqual([status, stdout], [1, ""], stderr);
    assert.match(stderr, message);
  });

test("whoever is not the owner is told whose log it is", { skip: noRoles }, async () => {
  await pool.query("create role recsys_archive_other login password 'other' in role service_role");
  after(() => pool.query("drop role recsys_archive_other"));
  const other = url.replace(/\/\/[^@]*@/, "//recsys_archive_other:other@");
  for (const args of [
    ["--out", "x"],
    ["--restore", "2026-01-01"],
  ]) {
    const { status, stderr } = await recsys(["archive", ...args, "--database", other], folder);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^recsys: recsys_archive_other may not change the partitions of recsys.impressions: name a --database URL of \w+$/m,
    );
  }
});

test("a day that feeds still read is refused", async () => {
  await pool.query("update recsys.settings set impression_partition_interval = 'day'");
  for (const day of days) await logDay(pool, day, 3, people.ada, [1, 2, 3, 4].map(post));
  const { status, stderr } = await run("archive", "--out", "x", "--before", daysAgo(30));
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`--before ${daysAgo(30)} is too late: .* so ${daysAgo(31)} is the latest`));
});

test("days go to the bucket, one that is down meanwhile leaves them in the table, and training and restoring read them there", {
  skip,
}, async () => {
  const { pages } = await communityFromDatabase(database);
  assert.equal(pages.length, 6);
  storage.door = (asked) => (asked === "put" ? { status: 403, code: "AccessDenied" } : "pass");
  const refused = await run("archive", "--out", "x", "--s3", `s3://${storage.bucket}/log`);
  assert.match(refused.stderr, /^recsys: s3:\/\/tested\/log: .* forbids it/m);
  assert.deepEqual((await pool.query("select count(*)::int as n from recsys.impressions")).rows, [{ n: 24 }]);
  storage.door = () => "pass";
  const archived = await run("archive", "--out", "x", "--s3", `s3://${storage.bucket}/log/`);
  assert.equal(archived.status, 0, archived.stderr);
  assert.match(archived.stdout, /^2 days were archived in s3:\/\/tested\/log$/m);
  assert.deepEqual(
    await storage.keys(),
    days.map((day) => `log/day=${day}/impressions-1.parquet`),
  );
  assert.deepEqual(await readdir(join(folder, "x", `day=${days[0]}`)), [], "nothing stays here");
  assert.deepEqual((await communityFromDatabase(database)).pages, pages);
  const restored = await run("archive", "--restore", `${days[0]}..${days[1]}`);
  assert.equal(restored.status, 0, restored.stderr);
  assert.deepEqual(
    restored.stdout.trim().split("\n"),
    days.map((day) => `${day}: 12 rows`),
  );
  assert.deepEqual((await communityFromDatabase(database)).pages, pages);
});

test("an export that was killed while it was uploaded goes on, and its manifest comes last", { skip }, async () => {
  const out = join(folder, "export");
  const to = `s3://${storage.bucket}/export`;
  const killed = spawn(process.execPath, [program, "export", "--out", out, "--s3", to, "--database", url], {
    stdio: "ignore",
  });
  let puts = 0;
  storage.door = (asked) => {
    if (asked === "put" && ++puts === 3) killed.kill("SIGKILL");
    return "pass";
  };
  await once(killed, "exit");
  storage.door = () => "pass";
  const there = (await storage.keys()).filter((key) => key.startsWith("export/"));
  assert.ok(there.length >= 2 && !there.includes("export/manifest.json"), `${there}`);
  const second = await run("export", "--out", out, "--s3", to);
  assert.equal(second.status, 0, second.stderr);
  assert.match(second.stdout, /manifest.json is there: what it names is uploaded, and nothing exported/);
  const [, files, sent] = /holds the (\d+) files; (\d+) were uploaded now/.exec(second.stdout) ?? [];
  assert.equal(Number(sent), Number(files) - there.length);
  const third = await run("export", "--out", out, "--s3", to);
  assert.match(third.stdout, /; 0 were uploaded now/);
  assert.ok((await storage.keys()).includes("export/manifest.json"));
});

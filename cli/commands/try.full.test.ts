/** `recsys try`: a history replayed into an embedded database, its figures those of `recsys evaluate`, and a folder that is empty wherever it stops. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { withoutPostgres } from "../../db/testing.ts";
import { temporaryFolder } from "../../trainer/testing.ts";
import { recsys } from "../testing.ts";
import { appWithRows } from "../testing-whole-app.ts";
import { type AppToRead, appToRead, stateOf } from "./testing-try.ts";

const skip = await withoutPostgres();
const folder = await temporaryFolder({ after });
const config = join(folder, "config.yaml");
await writeFile(
  config,
  "towers: { epochsOf: { others: 2 }, leastSteps: 8, withPages: { epochs: 1 } }\nranker: { epochs: 1, maximumRequests: 200 }\n",
);
const hot =
  "(select count(*) from public.post_actions as a where a.post_id = post.id and a.liked_at < :at) / power(extract(epoch from greatest(:at - published_at, interval '0')) / 3600 + 2, 1.8)";
const { app, url, role } = skip ? ({} as AppToRead) : await appToRead({ after });

test("with rights to read alone it replays the history, and its figures are those of an evaluation of the copy", {
  skip,
}, async () => {
  const before = await stateOf(app.pool);
  const into = join(folder, "tried");
  const { status, stdout, stderr } = await recsys([
    "try",
    "--database",
    url,
    "--into",
    into,
    "--config",
    config,
    "--order",
    hot,
  ]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(await stateOf(app.pool), before, "nothing is written in the app's database");
  const { rowCount } = await app.pool.query("select from pg_stat_activity where usename = $1", [role]);
  assert.equal(rowCount, 0, "no connection is left open");
  assert.match(stdout, /^the app's own order +\.?\d/m);
  assert.match(stdout, /^(The feed finds (more|less)|No difference to the best)/m);
  assert.match(stdout, /It is unsure of:\n {2}public\.person: /);
  assert.deepEqual((await readdir(into)).sort(), [".recsys", "recsys_sources.sql", "report.txt"]);
  assert.ok(stdout.startsWith(await readFile(join(into, "report.txt"), "utf8")), "the report is what was printed");
  const evaluated = await recsys(["evaluate", "--config", config], into);
  assert.equal(evaluated.status, 0, evaluated.stderr);
  for (const [name, same] of [
    ["the feed", "two-tower \\+ DLRM"],
    ["most recent", "most recent"],
    ["popularity", "popularity"],
  ]) {
    const [, recall] = new RegExp(`^${name} +([\\d.]+) ±`, "m").exec(stdout) ?? [];
    const [, expected] = new RegExp(`^${same} +([\\d.]+)`, "m").exec(evaluated.stdout) ?? [];
    assert.ok(recall !== undefined && recall === expected, `${name}: ${recall}, evaluated ${expected}`);
  }
});

test("the database refuses an order that writes, for a superuser too, and the folder is left empty", {
  skip,
}, async () => {
  await app.pool.query(
    "create function public.counted(id int) returns int language sql as $$ update public.post set locked = true where post.id = $1 returning 1 $$",
  );
  const into = join(folder, "written");
  const { status, stderr } = await recsys([
    "try",
    "--database",
    app.url,
    "--into",
    into,
    "--config",
    config,
    "--order",
    "counted(id)",
  ]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^recsys: the app's own order cannot be read: cannot execute UPDATE in a read-only transaction\. Correct --order$/m,
  );
  assert.ok(!(await readdir(folder)).includes("written"));
});

test("Ctrl-C ends it and leaves nothing", { skip }, async () => {
  const into = join(folder, "stopped");
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("../cli.ts", import.meta.url)), "try", "--database", url, "--into", into],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
    if (/^copying/m.test(said) && !child.killed) child.kill("SIGINT");
  });
  const [status] = await once(child, "close");
  assert.equal(status, 1, said);
  assert.match(said, /^recsys: stopped: nothing was kept$/m);
  assert.ok(!(await readdir(folder)).includes("stopped"));
  const { rowCount } = await app.pool.query("select from pg_stat_activity where usename = $1", [role]);
  assert.equal(rowCount, 0);
});

test("what stops it after it began to copy is one line with its cure", { skip }, async () => {
  const failing = async (database: string, into: string) => {
    const { status, stderr } = await recsys(["try", "--database", database, "--into", into]);
    assert.equal(status, 1, stderr);
    return /^recsys: .*$/m.exec(stderr)?.[0] ?? stderr;
  };
  const free = join(folder, "free");
  const young = await appWithRows({ after }, "links", { people: 3, posts: 2, deeds: 5 });
  assert.match(
    await failing(young.url, free),
    /too little history to say anything: \d+ interactions .* \d+ first visits .* where 50 are needed/,
  );
  await app.pool.query(`revoke select on public.post from ${role}`);
  assert.match(
    await failing(url, free),
    /permission denied for table post: `grant select \(id, name, .*\) on public\.post`/,
  );
  await app.pool.query(`grant select on public.post to ${role}; alter role ${role} nobypassrls`);
  assert.match(
    await failing(url, free),
    /row level security hides rows of .*public\.post.* from the role recsys_try_\d+: name one that reads all rows/,
  );
  assert.ok(!(await readdir(folder)).includes("free"));
});

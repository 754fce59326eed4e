import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeSyntheticCommunity } from "../../trainer/data/synthetic/write-synthetic-community.ts";
import { onBoth, testDatabase, withoutPostgres } from "../testing.ts";
import { cutOffImport, importBundle, importEarly } from "./import-bundle.ts";

const noPostgres = await withoutPostgres();

async function largeBundle(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "killed-import-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const written = await writeSyntheticCommunity(folder, { seed: 3, users: 230, posts: 460, days: 60 });
  return { folder, written };
}

/** Imports in a process of its own that kills itself as soon as `step` has come as far as `done`. */
async function importAndDie(
  url: string,
  folder: string,
  step: string,
  done: number,
  how = "importBundle",
): Promise<void> {
  const program = `
    import { openDatabase } from ${JSON.stringify(import.meta.resolve("../connect.ts"))};
    import { ${how} } from ${JSON.stringify(import.meta.resolve("./import-bundle.ts"))};
    const onProgress = ({ step, done }) => {
      if (step === ${JSON.stringify(step)} && done >= ${done}) process.kill(process.pid, "SIGKILL");
    };
    const { pool } = await openDatabase({ url: ${JSON.stringify(url)} });
    await ${how}({ pool }, ${JSON.stringify(folder)}, { onProgress, onReadable() {} });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status, signal] = await once(child, "exit");
  assert.deepEqual({ status, signal }, { status: null, signal: "SIGKILL" });
}

await onBoth("an import that is killed leaves nothing behind, and the next one is whole", async (t, database) => {
  const { folder, written } = await largeBundle(t);
  const moments: [step: string, done: number][] = [
    ["import users", 1],
    ["import interactions", 5000],
    ["roll up the feature store", 0],
    ["roll up the feature store", 1],
  ];
  for (const [step, done] of moments) {
    await importAndDie(database.url, folder, step, done);
    const { rows } = await database.pool.query(
      `select (select count(*) from public.profiles) + (select count(*) from public.posts) + (select count(*) from recsys.source_interactions)
        + (select count(*) from recsys_engine.post_stats) + (select count(*) from recsys_engine.imports) as rows,
        (select clock_shift = '0' from recsys.settings) as clock_is_right`,
    );
    assert.deepEqual([Number(rows[0].rows), rows[0].clock_is_right], [0, true], `killed at ${step} ${done}`);
  }
  const report = await importBundle(database, folder);
  for (const part of ["users", "posts", "interactions", "logins", "impressions"] as const) {
    assert.deepEqual(report[part], { read: written[part], added: written[part], updated: 0, existing: 0 });
  }
});

test("a database that ends the connection is an error, not a crash, and leaves nothing", {
  skip: noPostgres,
}, async (t) => {
  const database = await testDatabase(t);
  const { folder } = await largeBundle(t);
  let ended = false;
  const onProgress = ({ step }: { step: string }) => {
    if (step !== "import interactions" || ended) return;
    ended = true;
    void database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  };
  // the second is what a query is told that comes after
  await assert.rejects(importBundle(database, folder, { onProgress }), /terminat|connection error/);
  const { rows } = await database.pool.query("select count(*)::integer as users from public.profiles");
  assert.equal(rows[0].users, 0);
});

await onBoth(
  "an import that feeds are served of goes on where it was killed, and leaves the same",
  async (t, database) => {
    const { folder } = await largeBundle(t);
    const { pool } = database;
    const number = async (of: string) => Number((await pool.query(`select count(*) as rows from ${of}`)).rows[0].rows);
    await importAndDie(database.url, folder, "import interactions", 5000, "importEarly");
    assert.equal(await number("public.profiles"), 0, "what feeds need goes in whole");
    const moments: [step: string, done: number][] = [
      ["import logins", 1],
      ["import impressions", 1],
      ["roll up the feature store", 1],
      // of 230 people 130 are left
      ["roll up the feature store", 100],
    ];
    for (const [step, done] of moments) {
      await importAndDie(database.url, folder, step, done, "importEarly");
      assert.match((await cutOffImport(pool)) ?? "", /^[0-9a-f]{64}$/, `killed at ${step} ${done}`);
      assert.ok((await number("recsys_engine.latest_post_stats")) > 0, "what is popular is known from the beginning");
    }
    let readable = 0;
    await importEarly(database, folder, { onReadable: () => void readable++ });
    assert.deepEqual([readable, await cutOffImport(pool)], [1, undefined]);
    assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences() limit 3")).rows, []);
    assert.equal(await number("recsys_engine.feature_changes"), 0);
    const { interactions, logins, impressions } = await importBundle(database, folder);
    assert.deepEqual([interactions.added, logins.added, impressions.added], [0, 0, 0]);
  },
);

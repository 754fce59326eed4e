import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { writeSyntheticCommunity } from "../../trainer/synthetic/write-synthetic-community.ts";
import { onBoth } from "../testing.ts";
import { importBundle } from "./import-bundle.ts";

const folder = await mkdtemp(join(tmpdir(), "killed-import-"));
after(() => rm(folder, { recursive: true, force: true }));
const written = await writeSyntheticCommunity(folder, { seed: 3, users: 300, posts: 600, days: 60 });

/** Imports in a process of its own that ends itself, without any goodbye, as soon as `step` has come as far as `done`. */
async function importAndDie(url: string, step: string, done: number): Promise<void> {
  const program = `
    import pg from "pg";
    import { importBundle } from ${JSON.stringify(import.meta.resolve("./import-bundle.ts"))};
    const onProgress = ({ step, done }) => {
      if (step === ${JSON.stringify(step)} && done >= ${done}) process.kill(process.pid, "SIGKILL");
    };
    await importBundle({ pool: new pg.Pool({ connectionString: ${JSON.stringify(url)} }) }, ${JSON.stringify(folder)}, { onProgress });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status, signal] = await once(child, "exit");
  assert.deepEqual({ status, signal }, { status: null, signal: "SIGKILL" });
}

await onBoth("an import that is killed leaves nothing behind, and the next one is whole", async (_, database) => {
  const moments: [step: string, done: number][] = [
    ["import users", 1],
    ["import interactions", 5000],
    ["roll up the feature store", 0],
    ["roll up the feature store", 2],
  ];
  for (const [step, done] of moments) {
    await importAndDie(database.url, step, done);
    const { rows } = await database.pool.query(
      `select (select count(*) from public.profiles) + (select count(*) from public.posts) + (select count(*) from recsys.source_interactions)
        + (select count(*) from recsys.post_stats) + (select count(*) from recsys.imports) as rows,
        (select clock_shift = '0' from recsys.settings) as clock_is_right`,
    );
    assert.deepEqual([Number(rows[0].rows), rows[0].clock_is_right], [0, true], `killed at ${step} ${done}`);
  }
  const report = await importBundle(database, folder);
  for (const part of ["users", "posts", "interactions", "logins", "impressions"] as const) {
    assert.deepEqual(report[part], { read: written[part], added: written[part], existing: 0 });
  }
});

/**
 * How fast a bundle goes into a database, and how much memory that takes: `node bench/import.ts [FOLDER]`, where FOLDER
 * is a community bundle; without it a synthetic community is written first. On PostgreSQL where one answers, and on the
 * embedded database.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";

const temporary = await mkdtemp(join(tmpdir(), "bench-import-"));
try {
  const folder = process.argv[2] ?? temporary;
  if (folder === temporary) await writeSyntheticCommunity(folder, { seed: 1 });
  const server = await testServer();
  if (server) await measure("PostgreSQL", await openPostgresCopy(server, "bench"), folder);
  await measure("embedded", await openEmbeddedCopy(), folder);
} finally {
  await rm(temporary, { recursive: true, force: true });
}

async function measure(name: string, database: Database, folder: string): Promise<void> {
  let imported = 0;
  const started = performance.now();
  try {
    const report = await importBundle(database, folder, {
      onProgress: ({ step }) => {
        if (step.startsWith("import")) imported = performance.now();
      },
    });
    const ended = performance.now();
    const { users, posts, interactions, logins, impressions } = report;
    const rows = [users, posts, interactions, logins, impressions].reduce((sum, part) => sum + part.read, 0);
    console.log(
      [
        name.padEnd(10),
        `${rows} rows in ${((imported - started) / 1000).toFixed(1)} s: ${Math.round((rows / (imported - started)) * 1000)} rows/s`,
        `roll-up and statistics ${((ended - imported) / 1000).toFixed(1)} s`,
        `peak memory so far ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
      ].join("   "),
    );
  } finally {
    await database.close();
  }
}

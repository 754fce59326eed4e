/**
 * How good the feed of cold users with a profile is, beside rankings that need no model and beside the users' true
 * preferences: three synthetic communities, each with a model of its own. `npm run bench -- cold-users`; same seeds, same table.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importBundle } from "../db/import/import-bundle.ts";
import { readScoreWeights } from "../db/settings.ts";
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { communityFromDatabase } from "../trainer/community/from-database.ts";
import { startBackend } from "../trainer/engine/backend.ts";
import { type ColdUserMetrics, coldUserTable, evaluateColdUsers } from "../trainer/evaluation/cold-users.ts";
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";

const backend = await startBackend();
const server = await testServer();
const runs: ColdUserMetrics[][] = [];
for (const seed of [1, 2, 3]) runs.push(await measure(seed));
console.log(`cold users with a profile, three communities (${backend})\n\n${coldUserTable(runs)}`);

async function measure(seed: number): Promise<ColdUserMetrics[]> {
  const folder = await mkdtemp(join(tmpdir(), "bench-cold-users-"));
  const database = server ? await openPostgresCopy(server, "bench") : await openEmbeddedCopy();
  try {
    await writeSyntheticCommunity(folder, { seed });
    await importBundle(database, folder);
    const loaded = await communityFromDatabase(database);
    const scoreWeights = await readScoreWeights(database);
    return await evaluateColdUsers(loaded, { communitySeed: seed }, { seed, scoreWeights });
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * How good the feed of cold users with a profile is, beside rankings that need no model and beside the users' true
 * preferences: three synthetic communities, each with a model of its own. `npm run bench -- cold-users`; same seeds, same table.
 */
import { startBackend } from "../trainer/engine/backend.ts";
import { type ColdUserMetrics, coldUserTable, evaluateColdUsers } from "../trainer/evaluation/cold-users.ts";
import { loadCommunity } from "./shared/place.ts";

const backend = await startBackend();
const runs: ColdUserMetrics[][] = [];
for (const seed of [1, 2, 3]) {
  const { loaded, scoreWeights } = await loadCommunity({ seed });
  runs.push(await evaluateColdUsers(loaded, { communitySeed: seed }, { seed, scoreWeights }));
}
console.log(`cold users with a profile, three communities (${backend})\n\n${coldUserTable(runs)}`);

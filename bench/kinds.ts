/**
 * Measures ranking with weights of kinds and without: `npm run bench -- kinds [--seed 1,2,3]`. Takes two minutes a
 * seed. Nine of ten votes for every third topic are purchases of weight 5. Differences have paired standard errors.
 */

import { dayLength } from "../trainer/data/synthetic/calendar.ts";
import { weighPurchases } from "../trainer/data/synthetic/purchases.ts";
import { estimate, meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import { weightedGains } from "../trainer/evaluation/weighted-gains.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { pageRequests } from "../trainer/models/ranker/page-requests.ts";
import { requestsBetween } from "../trainer/models/ranker/requests.ts";
import { trainModel } from "../trainer/pipeline.ts";
import { commandOptions, loadCommunity, numbersIn } from "./shared/workspace.ts";

const size = { users: 600, posts: 1200, days: 60 };
const heldOutDays = 5;
/** Of the later requests of each kind. */
const most = 1500;
const scoreWeights = [0.2, 1, 1];
for (const seed of numbersIn(commandOptions({ seed: "1,2,3" }).seed)) await measure(seed);

async function measure(seed: number): Promise<void> {
  const { loaded } = await loadCommunity({ seed, ...size });
  weighPurchases(loaded, seed);
  await startBackend();
  const { timeline } = loaded;
  const until = timeline.at[timeline.length - 1] - heldOutDays * dayLength;
  for (const learnsFrom of ["first interactions", "pages"]) {
    const pages = learnsFrom === "pages" ? loaded.pages : [];
    const model = await trainModel({ ...loaded, pages }, { seed, until, scoreWeights });
    const requests =
      learnsFrom === "pages"
        ? pageRequests(pages, timeline, loaded.community.posts.ids.length, until, Number.POSITIVE_INFINITY).slice(-most)
        : requestsBetween(loaded.community, timeline, until, Number.POSITIVE_INFINITY).slice(-most);
    const ndcg = async (name: string, boost: Float32Array | undefined) => {
      const of = await weightedGains(loaded, { ...model, dlrm: { ...model.dlrm, boost } }, requests, scoreWeights);
      console.log(
        `seed ${seed}, from ${learnsFrom}, ${name}: NDCG@10 ${of.weighted.toFixed(4)} weighted, ${of.unweighted.toFixed(4)} unweighted`,
      );
      return of.each;
    };
    const without = await ndcg("as if all kinds weighed the same", undefined);
    const gains = await ndcg("with weights", model.dlrm.boost);
    const { mean, error } = estimate(gains.map((gain, i) => gain - without[i]));
    const percent = (gain: number) => ((100 * gain) / meanOf(without)).toFixed(1);
    console.log(`seed ${seed}, from ${learnsFrom}: weights are worth ${percent(mean)} ± ${percent(error)} %`);
  }
}

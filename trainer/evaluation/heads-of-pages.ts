/**
 * What models say of posts that were shown, against what came of them: the same rows for every model, whatever it would have retrieved. Where
 * models learn from pages, their probabilities are of just this.
 */
import { allHeads } from "../../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import { unknown } from "../dlrm/requests.ts";
import { HeldOutMetrics } from "../gate/held-out-metrics.ts";
import { heldOutOf, type RankOptions, type ReplayedModel, rankedRequests } from "../gate/ranked-requests.ts";
import { type HeadMetrics, type HeadRows, rankerMetrics } from "./metrics/ranker-metrics.ts";
import { sample } from "./protocols/rank.ts";
import type { ReplayOptions } from "./protocols/replay.ts";

interface HeadsOfPages {
  pages: number;
  rows: HeadRows[];
  metrics: HeadMetrics[];
  /** The same rows, paired by page. */
  paired: HeldOutMetrics<string>;
}

/** Of pages since `testFrom`, `sample` at most, drawn by seed. undefined: none was shown whose day is over. */
export async function headsOfPages(
  loaded: LoadedCommunity,
  models: Record<string, ReplayedModel>,
  { testFrom, sample: most = Number.POSITIVE_INFINITY, seed = 1 }: Pick<ReplayOptions, "testFrom" | "sample" | "seed">,
  options: RankOptions,
): Promise<HeadsOfPages | undefined> {
  const all = heldOutOf(loaded, testFrom, true);
  const requests = Array.from(sample(all.length, most, seed), (i) => all[i]);
  if (requests.length === 0) return undefined;
  const names = Object.keys(models);
  const paired = new HeldOutMetrics(names);
  const heads = allHeads.filter((head) => names.every((name) => models[name].heads.includes(head)));
  const columns = heads.map(() => ({
    labels: [] as number[],
    lists: [] as number[],
    values: names.map((): number[] => []),
  }));
  for await (const [request, ranked] of rankedRequests(loaded, requests, models, options)) {
    paired.add(request, ranked);
    if (!("shown" in request)) continue;
    for (const { post, labels } of request.shown)
      for (const [h, { labels: ofHead, lists, values }] of columns.entries()) {
        const label = labels[allHeads.indexOf(heads[h])];
        if (label === unknown) continue;
        ofHead.push(label);
        lists.push(paired.requests);
        for (const [n, name] of names.entries()) {
          const { posts, heads: own, probabilities } = ranked[name];
          values[n].push(probabilities[posts.indexOf(post) * own.length + own.indexOf(heads[h])]);
        }
      }
  }
  const rows = columns
    .map(
      ({ labels, lists, values }, h): HeadRows => ({
        head: `${heads[h]}, shown`,
        labels: Float64Array.from(labels),
        probabilities: names.map((by, n) => ({ by, values: Float32Array.from(values[n]) })),
        lists: Int32Array.from(lists),
      }),
    )
    .filter(({ labels }) => labels.includes(1));
  return { pages: requests.length, rows, metrics: rankerMetrics([], rows), paired };
}

/**
 * A new model beside the active one, on the same requests of the past, which neither has learned from: those since the
 * active model's training, and within the part of the history that the new one's training held out. Its towers are
 * taken as they were before they learned from that part; as published they have an advantage, so the published ones are
 * judged beside, for what fine-tuning may have broken. A model that goes on from the active one holds back its towers
 * alone: its ranker has learned from these requests, so what is worse there all the same is damaged.
 */
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { readFeedSettings } from "../../db/settings.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { headWeights } from "../../supabase/functions/_shared/recommend/feed-settings.ts";
import { communityFromDatabase, trainingEvents } from "../community/from-database.ts";
import type { RankerRequest } from "../dlrm/page-requests.ts";
import type { ModelFolder } from "../model-folder/model-folder.ts";
import { type ActiveModel, replayedActiveModel } from "./active-model.ts";
import { HeldOutMetrics, headMetrics, listMetrics } from "./held-out-metrics.ts";
import { byNumber, modelInMemory, rankingModel } from "./model-in-memory.ts";
import { heldOutOf, type ReplayedModel, rankedRequests } from "./ranked-requests.ts";
import type { Compared, Comparison, Skipped } from "./verdict.ts";

export interface GateContext {
  database: Database;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

/** A model that is being published, with the vectors that its post tower gave. */
export interface Candidate {
  model: ModelFolder;
  postVectors: Map<string, Float32Array>;
}

/** The latest. On 900 requests of travel-se a paired difference in MRR has a standard error of .0055; 500 give .0074 and cost half. */
export const mostRequests = 500;
/** With fewer, chance alone moves MRR by more than any margin worth having. */
const fewestRequests = 100;

const baseline = "recency baseline";

/**
 * Compares with the active model, or, where there are too few requests that it has not learned from either, with the
 * recency baseline, which learns nothing. Skipped where no model is active, and where the held-out part is too small.
 */
export async function compare(
  context: GateContext,
  candidate: Candidate,
  active: ActiveModel | undefined,
): Promise<Comparison | Skipped> {
  const { database, onProgress, signal } = context;
  if (!active) return { skipped: "no model is active, so there is none to compare it with" };
  const loaded = await communityFromDatabase(database, onProgress, trainingEvents);
  const { heldBack } = candidate.model;
  const heldOut = heldOutOf(loaded, heldBack.from, candidate.model.metrics.learned_from === "pages");
  const unseen = heldOut.filter(({ at }) => at >= active.learnedUntil).slice(-mostRequests);
  const other =
    unseen.length < fewestRequests ? undefined : await replayedActiveModel(database, active, loaded.community);
  const requests = other ? unseen : heldOut.slice(-mostRequests);
  if (requests.length < fewestRequests)
    return { skipped: `${requests.length} held-out requests are too few to compare it on (${fewestRequests})` };
  const { heads } = candidate.model;
  const { dlrm, user_tower } = candidate.model.graphs;
  const published: ReplayedModel = {
    ...(await rankingModel("as published", heads, user_tower, dlrm)),
    userIdEmbeddings: candidate.model.userIdEmbeddings,
    postVectors: byNumber(loaded.community, candidate.postVectors),
  };
  const heldBackModel = await modelInMemory("held back", loaded.community, { ...heldBack, heads, dlrm }, context);
  const models: Record<string, ReplayedModel> = { candidate: heldBackModel, published, ...(other && { other }) };
  const metrics = new HeldOutMetrics(["candidate", "published", "other"]);
  const options = { weights: headWeights(await readFeedSettings(database)), onProgress, signal };
  for await (const [request, ranked] of rankedRequests(loaded, requests, models, options)) {
    const { candidate, published } = ranked;
    // the baseline orders what the candidate retrieved
    metrics.add(request, {
      candidate,
      published,
      other: ranked.other ?? { ...candidate, rank: candidate.recencyRank },
    });
  }
  return comparison(metrics, requests, other ? active : undefined, await readMargin(database));
}

function comparison(
  metrics: HeldOutMetrics<"candidate" | "published" | "other">,
  requests: RankerRequest[],
  active: ActiveModel | undefined,
  margin: number,
): Comparison {
  const compared: Comparison["metrics"] = {};
  // the baseline has no probabilities
  for (const metric of active ? [...listMetrics, ...headMetrics] : listMetrics) {
    const worse = metrics.worse("candidate", "other", metric);
    if (!worse) continue;
    compared[metric] = {
      candidate: metrics.mean("candidate", metric),
      published: metrics.mean("published", metric),
      other: metrics.mean("other", metric),
      worse: worse.mean,
      standard_error: worse.error,
    } as Compared;
  }
  return {
    with: active?.name ?? baseline,
    requests: requests.length,
    from: new Date(requests[0].at).toISOString(),
    margin,
    metrics: compared,
  };
}

async function readMargin({ pool }: Database): Promise<number> {
  const [{ gate_margin }] = await run(pool, db.selectFrom("recsys.settings").select("gate_margin"));
  return gate_margin;
}

/**
 * A new model beside the active one, on the same requests of the past, which neither has learned from: those since the
 * active model's training, and within the part of the history that the new one's training held out. Its towers are
 * taken as they were before they learned from that part; as published they have an advantage, so the published ones are
 * judged beside, for what fine-tuning may have broken. A model that goes on from the active one holds back its towers
 * alone: its ranker has learned from these requests, so what is worse there all the same is damaged.
 */
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { readHeadWeights } from "../../db/settings.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { allHeads, type Head } from "../../supabase/functions/_shared/features/kinds.ts";
import { postTowerInputs } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import { embeddingsOf } from "../../supabase/functions/_shared/models/embeddings.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import type { Community } from "../community/community.ts";
import { communityFromDatabase, type LoadedCommunity, trainingEvents } from "../community/from-database.ts";
import { postText } from "../community/texts.ts";
import type { RankerRequest } from "../dlrm/examples.ts";
import { withHeads } from "../dlrm/optional-heads.ts";
import { pageRequests } from "../dlrm/page-requests.ts";
import { requestsBetween } from "../dlrm/requests.ts";
import type { IdEmbeddings } from "../model-folder/id-embeddings.ts";
import type { ModelFolder } from "../model-folder/model-folder.ts";
import { type ActiveModel, replayedActiveModel } from "./active-model.ts";
import { HeldOutMetrics, headMetrics, listMetrics } from "./held-out-metrics.ts";
import { type ReplayedModel, rankedRequests } from "./ranked-requests.ts";
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
const mostRequests = 500;
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
  const heldBackModel: ReplayedModel = {
    ...(await rankingModel("held back", heads, heldBack.graphs.user_tower, dlrm)),
    userIdEmbeddings: heldBack.userIdEmbeddings,
    postVectors: await embedAll(loaded.community, heldBack.graphs.post_tower, heldBack.postIdEmbeddings, context),
  };
  const models: Record<string, ReplayedModel> = { candidate: heldBackModel, published, ...(other && { other }) };
  const metrics = new HeldOutMetrics(["candidate", "published", "other"]);
  const options = { weights: await readHeadWeights(database), onProgress, signal };
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

/** What happened from an instant on, in the form that a model's ranker learned from. */
function heldOutOf({ community, timeline, pages }: LoadedCommunity, from: number, ofPages: boolean): RankerRequest[] {
  if (!ofPages) return requestsBetween(community, timeline, from, Number.POSITIVE_INFINITY);
  const requests = pageRequests(pages, timeline, community.posts.ids.length, from, timeline.at[timeline.length - 1]);
  // in the order of all heads, whatever either model has
  return withHeads(requests, allHeads);
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

async function rankingModel(name: string, heads: readonly Head[], userTower: Uint8Array, dlrm: Uint8Array) {
  const { createSession } = await loadRuntime();
  return { name, heads, graphs: { user_tower: await createSession(userTower), dlrm: await createSession(dlrm) } };
}

/** Vectors [posts, 32] in the order of a community; zeros for a post without one. */
function byNumber({ posts }: Community, vectors: Map<string, Float32Array>): Float32Array {
  const out = new Float32Array(posts.ids.length * dimensions);
  for (const [number, id] of posts.ids.entries()) out.set(vectors.get(id) ?? [], number * dimensions);
  return out;
}

/** Vectors [posts, 32] that a post tower gives to a community. */
async function embedAll(
  community: Community,
  postTower: Uint8Array,
  idEmbeddings: IdEmbeddings,
  { onProgress, signal }: GateContext,
): Promise<Float32Array> {
  const { posts } = community;
  const { createSession } = await loadRuntime();
  const tower = await createSession(postTower);
  const total = posts.ids.length;
  const out = new Float32Array(total * dimensions);
  const page = 1000;
  for (let start = 0; start < total; start += page) {
    signal?.throwIfAborted();
    const inputs = Array.from({ length: Math.min(page, total - start) }, (_, i) => {
      const post = start + i;
      return { ...postText(community, post), id_embedding: idEmbeddings.get(posts.ids[post]) ?? null };
    });
    for (const [i, vector] of (await embeddingsOf(tower, postTowerInputs(inputs))).entries())
      out.set(vector, (start + i) * dimensions);
    onProgress({ step: "embedding posts for the gate", done: start + inputs.length, total });
  }
  return out;
}

async function readMargin({ pool }: Database): Promise<number> {
  const { rows } = await pool.query("select gate_margin from recsys.settings");
  return rows[0].gate_margin;
}

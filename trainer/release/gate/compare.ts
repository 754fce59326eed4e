/**
 * Compares a new model with the active one on past requests that neither has learned from: since the active model's training, within the new
 * one's held-out part, with towers from before that part. Published towers are judged in addition, for damage by fine-tuning.
 */
import type { Database } from "../../../db/connect.ts";
import type { OnProgress } from "../../../db/progress.ts";
import { readFeedSettings } from "../../../db/settings.ts";
import { run } from "../../../supabase/functions/_shared/database/database.ts";
import { db } from "../../../supabase/functions/_shared/database/query.ts";
import { headWeights } from "../../../supabase/functions/_shared/recommend/request/feed-settings.ts";
import type { ModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { withVectors } from "../../data/app-embeddings/read-vectors.ts";
import { communityFromDatabase, type LoadedCommunity, trainingEvents } from "../../data/replay/from-database.ts";
import { numberedNeighbours } from "../../data/replay/neighbours.ts";
import { capPerUser, pagesCap, requestsCap, samplePerUser } from "../../data/replay/per-user-cap.ts";
import type { RankerRequest } from "../../models/ranker/page-requests.ts";
import { type ActiveModel, replayedActiveModel } from "./active-model.ts";
import { HeldOutMetrics, headMetrics, listMetricNames } from "./held-out-metrics.ts";
import { byNumber, modelInMemory, rankingModel } from "./model-in-memory.ts";
import { heldOutOf, type RankOptions, type ReplayedModel, rankedRequests } from "./ranked-requests.ts";
import type { Compared, Comparison, Earlier, Skipped } from "./verdict.ts";

export interface GateContext {
  database: Database;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

/** A model that is being published, with the vectors that its post tower gave. */
export interface CandidateModel {
  model: ModelFolder;
  postVectors: Map<string, Float32Array>;
}

/**
 * The latest requests. On 900 of travel-se a paired difference in MRR has a standard error of 0.0055; 500 give
 * 0.0074 and cost half.
 */
export const mostRequests = 500;
/** With fewer, chance alone moves MRR by more than any margin worth having. */
const fewestRequests = 100;
/** And with fewer people, ten are half of them. */
const fewestPeople = 20;
/** Earlier requests are drawn from as many as a ranker learns from, and of a person no more than these. */
const earlierWindow = 6000;
const earlierOfPerson = 5;

const baseline = "recency baseline";

/**
 * Compares with the active model, or, with too few requests new to both, with the recency baseline. Skipped without an active model, or with
 * too small a held-out part. Each person counts once. Earlier requests count as well: their people were there before recent attacks.
 */
export async function compare(
  context: GateContext,
  candidate: CandidateModel,
  active: ActiveModel | undefined,
): Promise<Comparison | Skipped> {
  const { database, onProgress, signal } = context;
  if (!active) return { skipped: "no model is active, so there is none to compare it with" };
  const loaded = await communityFromDatabase(database, onProgress, trainingEvents);
  const { heldBack, heads } = candidate.model;
  const areOfPages = candidate.model.metrics.learned_from === "pages";
  const heldOut = heldOutOf(loaded, heldBack.from, areOfPages);
  const unseen = latestRequests(heldOut.filter(({ at }) => at >= active.learnedUntil));
  const earlier = earlierRequests(loaded, areOfPages, Math.min(heldBack.from, active.learnedUntil));
  const replayed =
    areEnough(unseen) || areEnough(earlier) ? await replayedActiveModel(database, active, loaded.community) : undefined;
  const { dlrm, user_tower } = candidate.model.graphs;
  const community = await withVectors(database, loaded.community, candidate.model.vectors);
  const published: ReplayedModel = {
    ...(await rankingModel("as published", heads, user_tower, dlrm)),
    userIdEmbeddings: candidate.model.userIdEmbeddings,
    userVectors: community.users.vectors,
    postVectors: byNumber(loaded.community, candidate.postVectors),
    neighbours: numberedNeighbours(candidate.model.neighbours, loaded.community),
  };
  const margin = await readMargin(database);
  const options = { weights: headWeights(await readFeedSettings(database)), onProgress, signal };
  const ofEarlier =
    replayed && areEnough(earlier)
      ? { earlier: await onEarlier(loaded, earlier, { published, other: replayed }, { active, margin, options }) }
      : {};
  const other = areEnough(unseen) ? replayed : undefined;
  const requests = other ? unseen : latestRequests(heldOut);
  if (!areEnough(requests))
    return {
      skipped: `${requests.length} held-out requests are too few to compare it on (${fewestRequests} of ${fewestPeople} people)`,
      ...ofEarlier,
    };
  const heldBackModel = await modelInMemory("held back", community, { ...heldBack, heads, dlrm }, context);
  const models: Record<string, ReplayedModel> = { candidate: heldBackModel, published, ...(other && { other }) };
  const metrics = new HeldOutMetrics(["candidate", "published", "other"], { weighsPeople: true });
  for await (const [request, ranked] of rankedRequests(loaded, requests, models, options)) {
    const { candidate, published } = ranked;
    // the baseline orders what the candidate retrieved
    metrics.add(request, {
      candidate,
      published,
      other: ranked.other ?? { ...candidate, rank: candidate.recencyRank },
    });
  }
  return { ...comparison(metrics, requests, other ? active : undefined, margin), ...ofEarlier };
}

function areEnough(requests: RankerRequest[]): boolean {
  return requests.length >= fewestRequests && new Set(requests.map(({ user }) => user)).size >= fewestPeople;
}

/** The latest requests of which everybody has their share. */
function latestRequests(requests: RankerRequest[], most = mostRequests): RankerRequest[] {
  const columns = { users: requests.map(({ user }) => user), at: requests.map(({ at }) => at) };
  const bound = requests.length > 0 && "shown" in requests[0] ? pagesCap : requestsCap;
  return Array.from(capPerUser(columns, bound, most), (i) => requests[i]);
}

/** Requests before an instant, the same ones at each publish as long as they are among the latest of their kind, as many of each person as can be. */
function earlierRequests(loaded: LoadedCommunity, areOfPages: boolean, until: number): RankerRequest[] {
  const all = heldOutOf(loaded, Number.NEGATIVE_INFINITY, areOfPages, until);
  const window = latestRequests(all, earlierWindow);
  const { ids } = loaded.community.users;
  const drawn = { users: window.map(({ user }) => user), keys: window.map(({ user, at }) => `${ids[user]} ${at}`) };
  return Array.from(samplePerUser(drawn, earlierOfPerson, mostRequests), (i) => window[i]);
}

/** By lists alone: how often people do what is another matter of another time. */
async function onEarlier(
  loaded: LoadedCommunity,
  requests: RankerRequest[],
  models: Record<"published" | "other", ReplayedModel>,
  { active, margin, options }: { active: ActiveModel; margin: number; options: RankOptions },
): Promise<Earlier> {
  const gathered = new HeldOutMetrics(["published", "other", "baseline"], { weighsPeople: true });
  for await (const [request, { published, other }] of rankedRequests(loaded, requests, models, options))
    gathered.add(request, { published, other, baseline: { ...published, rank: published.recencyRank } });
  const metrics: Earlier["metrics"] = {};
  for (const metric of listMetricNames) {
    const [published, other, least] = (["published", "other", "baseline"] as const).map((each) =>
      gathered.mean(each, metric),
    );
    if (published === undefined || other === undefined || least === undefined) continue;
    // whatever was trained for longer knows them better
    const weaker = least < other ? "baseline" : "other";
    const worse = gathered.worse("published", weaker, metric);
    if (!worse) continue;
    metrics[metric] = { published, other: Math.min(other, least), worse: worse.mean, standard_error: worse.error };
  }
  return { with: active.name, requests: requests.length, margin, metrics };
}

function comparison(
  metrics: HeldOutMetrics<"candidate" | "published" | "other">,
  requests: RankerRequest[],
  active: ActiveModel | undefined,
  margin: number,
): Comparison {
  const compared: Comparison["metrics"] = {};
  // the baseline has no probabilities
  for (const metric of active ? [...listMetricNames, ...headMetrics] : listMetricNames) {
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

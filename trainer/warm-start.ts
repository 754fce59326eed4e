/** The model that serves, as a training fine-tunes it: its graphs hold every weight but the ID embeddings. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Database } from "../db/connect.ts";
import { reading } from "../db/reading.ts";
import { readKinds } from "../db/settings.ts";
import { type Query, run } from "../supabase/functions/_shared/database/database.ts";
import { db } from "../supabase/functions/_shared/database/query.ts";
import { basisOfModel, readsUsers } from "../supabase/functions/_shared/embed/read-jobs.ts";
import { featureSpecDigest, type VectorSpec } from "../supabase/functions/_shared/features/feature-spec.ts";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import type { Head } from "../supabase/functions/_shared/features/kinds.ts";
import { type GraphName, graphNames } from "../supabase/functions/_shared/models/contracts.ts";
import type { IdEmbeddings } from "./artifacts/model-folder/id-embeddings.ts";
import { sha256 } from "./artifacts/model-folder/model-folder.ts";
import type { LearnedFrom, WarmStartModel } from "./artifacts/model-folder/trained-model.ts";
import { dlrmOf, towersOf } from "./artifacts/onnx/read-weights.ts";
import type { Community } from "./data/replay/community.ts";
import { EmbeddingTable } from "./models/nn/embedding-table.ts";
import type { Dlrm } from "./models/ranker/model.ts";
import type { FeatureBins } from "./models/ranker/training-features.ts";
import type { Towers } from "./models/towers/model.ts";
import { type Config, configDigest, defaultConfig } from "./training/config/config.ts";

/**
 * The basis whose vectors of users, or of all, the towers do without, because they find less with them; null: they
 * read all.
 */
const withoutVectors = z.object({ basis: z.string(), of: z.enum(["users", "all"]) }).nullable();
export type WithoutVectors = z.output<typeof withoutVectors>;

/** What `trainIntoFolder` writes among a model's metrics for the trainings that go on from it. */
const learned = z.object({
  community: z.guid(),
  seconds_from_scratch: z.number().positive(),
  learned_from_scratch: z.number().positive(),
  learned_since: z.number().nonnegative(),
  learned_from: z.enum(["interactions", "pages"]).default("interactions"),
  config_digest: z.string().optional(),
  without_vectors: withoutVectors.default(null),
  kinds: z.array(z.object({ kind: z.string(), head: z.string().nullable(), weight: z.number() })).optional(),
});

/**
 * The share learned since its training from scratch above which a model is not fine-tuned further. travel-se's first year, weekly: at 0.24 MRR is
 * +0.013 ± 0.005 and retrieval 0.923 (not retrained 0.926, from scratch 0.931); at 0.45 +0.012 ± 0.005 and 0.874 (0.887, 0.894): posts get lost.
 */
const mostLearnedSince = 0.25;

export interface WarmStart {
  modelId: number;
  name: string;
  /** Milliseconds since 1970. */
  learnedUntil: number;
  /** Wall time of the training that it descends from and that started from scratch. */
  secondsFromScratch: number;
  /** First interactions that this training learned from. */
  learnedFromScratch: number;
  /** First interactions that those which went on from it have learned from. */
  learnedSince: number;
  learnedFrom: LearnedFrom;
  towers: Pick<Towers, "tokens" | "dense">;
  dlrm: Dlrm;
  hasNeighbours: boolean;
  userIdEmbeddings: IdEmbeddings;
  postIdEmbeddings: IdEmbeddings;
  trainingFeatures: FeatureBins[];
}

/** The active model of a database, or the reason why no training with this config, and with these vectors of the app's own, can go on from it. */
export async function readWarmStart(
  database: Database,
  config = defaultConfig,
  vectors?: VectorSpec,
): Promise<WarmStart | string> {
  return await reading(database, async (client) => {
    const active = db
      .selectFrom("recsys.models")
      .select(["model_id", "name", "heads", "feature_spec_digest", "metrics", "learned_until"])
      .select([basisOfModel.as("basis"), readsUsers.as("reads_users")])
      .select((model) => model.selectFrom("recsys.settings").select("community_id").as("community"))
      .where("status", "=", "active");
    const [found] = await run(client, active);
    if (!found) return "no model is active";
    const { model_id, name, heads, feature_spec_digest, basis, reads_users, metrics, learned_until, community } = found;
    if (feature_spec_digest !== (await featureSpecDigest())) return `model ${name} was trained for other features`;
    const parsed = learned.safeParse(metrics);
    const refused = parsed.data?.without_vectors;
    const known = basis ?? refused?.basis ?? null;
    if (known !== (vectors?.basis ?? null))
      return `model ${name} reads ${basis ? "other" : "no"} vectors of posts, and there are ${vectors ? `those by ${vectors.encoder}` : "none to go on with"}`;
    if (!refused && reads_users !== (vectors?.users ?? false))
      return `model ${name} reads ${reads_users ? "" : "no "}vectors of users, and there are ${reads_users ? "too few to go on with" : `enough by ${vectors?.encoder}`}`;
    if (!parsed.success || !learned_until) return `model ${name} does not say what it has learned from`;
    const { config_digest, kinds } = parsed.data;
    if (config_digest !== undefined && config_digest !== configDigest(config))
      return `model ${name} was trained with another config`;
    // what it learned was said of other heads or weights, and what is new would not unsay it
    if (kinds && !isDeepStrictEqual(kinds, await readKinds(client)))
      return `recsys.kinds is not what it was for model ${name}`;
    const { community: of, seconds_from_scratch, learned_from_scratch, learned_since, learned_from } = parsed.data;
    if (of !== community) return `model ${name} was trained on another community`;
    const graphs = db.selectFrom("recsys_engine.model_artifacts").select(["graph", "onnx", "sha256"]);
    const artifacts = await run(client, graphs.where("model_id", "=", model_id));
    if (artifacts.length < graphNames.length || artifacts.some(({ onnx, sha256: sum }) => sha256(onnx) !== sum))
      return `model ${name} is damaged`;
    const weights = weightsOf(
      Object.fromEntries(artifacts.map(({ graph, onnx }) => [graph, onnx])) as Record<GraphName, Uint8Array>,
      heads as Head[],
      config,
    );
    if (!weights) return `model ${name} has other weights than this version trains`;
    const idEmbeddings = async (query: Query<{ id: string; id_embedding: string | null }>): Promise<IdEmbeddings> => {
      const rows = await run(client, query);
      return new Map(
        rows.flatMap(({ id, id_embedding: vector }) => (vector ? [[id, Float32Array.from(JSON.parse(vector))]] : [])),
      );
    };
    const ofUsers = db.selectFrom("recsys.user_embeddings").select(["user_id as id", "id_embedding"]);
    const ofPosts = db.selectFrom("recsys.post_embeddings").select(["post_id as id", "id_embedding"]);
    const ofModel = db.selectFrom("recsys_engine.post_neighbours").select("post_id").where("model_id", "=", model_id);
    const features = db.selectFrom("recsys_engine.training_features").select(["feature", "edges", "shares"]);
    const trainingFeatures = await run(client, features.where("model_id", "=", model_id).orderBy("number"));
    return {
      modelId: model_id,
      name,
      learnedUntil: Number(learned_until),
      secondsFromScratch: seconds_from_scratch,
      learnedFromScratch: learned_from_scratch,
      learnedSince: learned_since,
      learnedFrom: learned_from,
      ...weights,
      hasNeighbours: (await run(client, ofModel.limit(1))).length > 0,
      userIdEmbeddings: await idEmbeddings(ofUsers.where("model_id", "=", model_id)),
      postIdEmbeddings: await idEmbeddings(ofPosts.where("model_id", "=", model_id)),
      trainingFeatures,
    };
  });
}

/** undefined where the graphs lack weights, or have them in another size. */
function weightsOf(
  graphs: Record<GraphName, Uint8Array>,
  heads: Head[],
  config: Config,
): Pick<WarmStart, "towers" | "dlrm"> | undefined {
  try {
    return {
      towers: towersOf(graphs.user_tower, graphs.post_tower, config),
      dlrm: dlrmOf(graphs.dlrm, heads, config),
    };
  } catch {
    return undefined;
  }
}

/** Why it is time for a training from scratch, though one could go on from this model; undefined where it is not. */
export function retrainFromScratchReason({ name, learnedFromScratch, learnedSince }: WarmStart): string | undefined {
  if (learnedSince < mostLearnedSince * learnedFromScratch) return undefined;
  return `model ${name} has learned ${learnedSince} first interactions since a training from scratch on ${learnedFromScratch}`;
}

/** A model in the numbers of a community. */
export function earlierModel(
  model: Pick<
    WarmStart,
    "towers" | "userIdEmbeddings" | "postIdEmbeddings" | "dlrm" | "hasNeighbours" | "learnedUntil" | "learnedFrom"
  >,
  { users, posts }: Community,
): WarmStartModel {
  return {
    towers: {
      ...model.towers,
      userIdEmbeddings: tableOf(users.ids, model.userIdEmbeddings),
      postIdEmbeddings: tableOf(posts.ids, model.postIdEmbeddings),
    },
    dlrm: model.dlrm,
    hasNeighbours: model.hasNeighbours,
    learnedUntil: model.learnedUntil,
    learnedFrom: model.learnedFrom,
  };
}

function tableOf(ids: string[], idEmbeddings: IdEmbeddings): EmbeddingTable {
  const values = new Float32Array(ids.length * dimensions);
  for (const [i, id] of ids.entries()) values.set(idEmbeddings.get(id) ?? [], i * dimensions);
  return new EmbeddingTable(ids.length, dimensions, values);
}

/** Models as they would serve a community in memory: out of the graphs that training wrote. */

import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { Head } from "../../../supabase/functions/_shared/features/kinds.ts";
import { postTowerInputs } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../../../supabase/functions/_shared/towers/tower-vectors.ts";
import type { IdEmbeddings } from "../../artifacts/model-folder/id-embeddings.ts";
import type { Community } from "../../data/replay/community.ts";
import { type IdNeighbours, numberedNeighbours } from "../../data/replay/neighbours.ts";
import { postText } from "../../data/replay/texts.ts";
import type { ReplayedModel } from "./ranked-requests.ts";

/** What a model is made of but for the ID embeddings of posts, which are in their vectors. */
export interface ModelParts {
  graphs: { user_tower: Uint8Array; post_tower: Uint8Array };
  dlrm: Uint8Array;
  /** Of the dlrm. */
  heads: readonly Head[];
  userIdEmbeddings: IdEmbeddings;
  postIdEmbeddings: IdEmbeddings;
  neighbours: IdNeighbours;
}

interface Watched {
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

/** A model whose post tower gives every post of a community its vector. */
export async function modelInMemory(
  name: string,
  community: Community,
  { graphs, dlrm, heads, userIdEmbeddings, postIdEmbeddings, neighbours }: ModelParts,
  watched: Watched,
): Promise<ReplayedModel> {
  return {
    ...(await rankingModel(name, heads, graphs.user_tower, dlrm)),
    userIdEmbeddings,
    userVectors: community.users.vectors,
    postVectors: await embedAll(community, graphs.post_tower, postIdEmbeddings, watched),
    neighbours: numberedNeighbours(neighbours, community),
  };
}

/** The two graphs that a feed runs. */
export async function rankingModel(name: string, heads: readonly Head[], userTower: Uint8Array, dlrm: Uint8Array) {
  const { createSession } = await loadRuntime();
  return { name, heads, graphs: { user_tower: await createSession(userTower), dlrm: await createSession(dlrm) } };
}

/** Vectors [posts, 32] in the order of a community; zeros for a post without one. */
export function byNumber({ posts }: Community, vectors: Map<string, Float32Array>): Float32Array {
  const out = new Float32Array(posts.ids.length * dimensions);
  for (const [number, id] of posts.ids.entries()) out.set(vectors.get(id) ?? [], number * dimensions);
  return out;
}

/** Vectors [posts, 32] that a post tower gives to a community. */
async function embedAll(
  community: Community,
  postTower: Uint8Array,
  idEmbeddings: IdEmbeddings,
  { onProgress, signal }: Watched,
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
    for (const [i, vector] of (await embeddingsOf(tower, postTowerInputs(inputs, tower))).entries())
      out.set(vector, (start + i) * dimensions);
    onProgress({ step: "embedding posts to judge the model", done: start + inputs.length, total });
  }
  return out;
}

/**
 * What the trainer's own networks answered about some posts, users and candidates, with what the graphs are fed of them: a
 * model carries it, so that at publish ONNX Runtime can be held against the trainer.
 */
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { postFeatures, userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { type Feeds, float32, int64 } from "../../../supabase/functions/_shared/features/tensors.ts";
import { postTowerInputs, userTowerInputs } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { vectorMatchInputs } from "../../../supabase/functions/_shared/features/vector-match.ts";
import { type GraphName, graphNames } from "../../../supabase/functions/_shared/models/contracts.ts";
import type { Community } from "../../data/replay/community.ts";
import { postText, userText } from "../../data/replay/texts.ts";
import { vectorAt } from "../../models/nn/vector-at.ts";
import { boostOf } from "../../models/ranker/boost.ts";
import { denseWidth } from "../../models/ranker/dense-features.ts";
import { dlrmForward } from "../../models/ranker/forward.ts";
import type { RankingExamples } from "../../models/ranker/ranking-examples.ts";
import { embedUsersAt } from "../../models/towers/embed.ts";
import { Histories } from "../../models/towers/histories.ts";
import { meanVectorOf } from "../../models/towers/model.ts";
import { moreInputNames } from "../../models/towers/network.ts";
import type { TrainedModel } from "./trained-model.ts";

/** One run of a graph: its feeds, and what the trainer answered. */
export interface Sample {
  graph: GraphName;
  feeds: Feeds;
  answer: Float32Array;
}

/** How many posts and users. */
const size = { posts: 16, users: 16 };

/** Samples of all three graphs: the newest posts, the users who acted last, and `sampledRequests`. */
export function samplesOf(community: Community, model: TrainedModel, requests: RankingExamples[]): Sample[] {
  const ranker = requests.map((one): Sample => {
    return { graph: "dlrm", feeds: dlrmFeeds(one), answer: opinion(model, one) };
  });
  return [postSample(community, model), userSample(community, model), ...ranker];
}

function postSample(community: Community, { towers, postVectors }: TrainedModel): Sample {
  const { tokens, dense } = towers.towers;
  const chosen = lastOf(community.posts.ids.length, size.posts);
  const inputs = chosen.map((post) => ({
    ...postText(community, post),
    id_embedding: vectorAt(towers.towers.postIdEmbeddings.weights.values, post),
  }));
  return {
    graph: "post_tower",
    feeds: postTowerInputs(inputs, { tokenRows: tokens.rows, inputNames: moreInputNames(dense, "posts") }),
    answer: Float32Array.from(chosen.flatMap((post) => [...vectorAt(postVectors, post)])),
  };
}

function userSample(community: Community, { towers: { towers, data }, postVectors }: TrainedModel): Sample {
  const { interactions } = community;
  const chosen = [...new Set(interactions.users.slice(-50 * size.users).reverse())].slice(0, size.users);
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  const moments = chosen.map((user) => ({
    user,
    history: histories.latest(user, Number.POSITIVE_INFINITY),
    followed: histories.followed(user, Number.POSITIVE_INFINITY),
  }));
  const inputs = moments.map(({ user, history, followed }) => ({
    ...userText(community, user),
    id_embedding: vectorAt(towers.userIdEmbeddings.weights.values, user),
    history: history.map((post) => vectorAt(postVectors, post)),
    followed: meanVectorOf(followed, postVectors),
  }));
  return {
    graph: "user_tower",
    feeds: userTowerInputs(inputs, {
      tokenRows: towers.tokens.rows,
      inputNames: moreInputNames(towers.dense, "users"),
    }),
    answer: embedUsersAt(towers, data, moments, postVectors),
  };
}

/** What serving feeds the ranker's graph of one request alone. */
export function dlrmFeeds({ rows, users, postVectors, dense, categories: ids, vectorMatches }: RankingExamples): Feeds {
  const [u, p] = [userFeatures.length, postFeatures.length];
  const columns = (from: number, width: number, n = rows) =>
    float32(
      Float32Array.from(
        { length: n * width },
        (_, i) => dense[Math.floor(i / width) * denseWidth + from + (i % width)],
      ),
      [n, width],
    );
  return {
    user: float32(users.slice(), [1, dimensions]),
    posts: float32(postVectors, [rows, dimensions]),
    user_features: columns(0, u, 1),
    post_features: columns(u, p),
    pair_features: columns(u + p, denseWidth - u - p),
    categories: int64(ids, [rows, categories.length]),
    ...(vectorMatches.length > 0 && { vector_match: float32(vectorMatches, [rows, vectorMatchInputs]) }),
  };
}

/** The trainer's calibrated probabilities [rows, heads] of a request, and where there is one its boost [rows]. */
function opinion({ dlrm }: TrainedModel, one: RankingExamples): Float32Array {
  const { scale, shift } = dlrm.calibration;
  const heads = dlrm.heads.length;
  const probabilities = dlrmForward(dlrm, one, Uint32Array.of(0)).map(
    (logit, i) => 1 / (1 + Math.exp(-(scale[i % heads] * logit + shift[i % heads]))),
  );
  return Float32Array.of(...probabilities, ...boostOf(dlrm, one, 0));
}

function lastOf(count: number, size: number): number[] {
  return Array.from({ length: Math.min(size, count) }, (_, i) => count - 1 - i);
}

/** As JSON: numbers as they are. */
export function samplesToJson(samples: Sample[]): string {
  const plain = samples.map(({ graph, feeds, answer }) => ({
    graph,
    feeds: Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims, data }]) => [
        name,
        { type, dims, data: Array.from(data, Number) },
      ]),
    ),
    answer: Array.from(answer),
  }));
  return JSON.stringify(plain);
}

/** Reads what `samplesToJson` wrote; throws where it is something else. */
export function samplesFromJson(text: string): Sample[] {
  const samples = (JSON.parse(text) as PlainSample[]).map(
    ({ graph, feeds, answer }): Sample => ({
      graph,
      feeds: Object.fromEntries(
        Object.entries(feeds).map(([name, { type, dims, data }]) => [
          name,
          type === "int64" ? int64(data, dims) : float32(Float32Array.from(data), dims),
        ]),
      ),
      answer: Float32Array.from(answer),
    }),
  );
  for (const graph of graphNames)
    if (!samples.some((sample) => sample.graph === graph)) throw new Error(`no sample of ${graph}`);
  return samples;
}

interface PlainSample {
  graph: GraphName;
  feeds: Record<string, { type: "float32" | "int64"; dims: number[]; data: number[] }>;
  answer: number[];
}

/**
 * What cannot be ranked is left out of a feed and named in the log: one post with a feature that is no finite number, such as one
 * "created" at −infinity, must not cost others their feed.
 */
import { pairFeatures, postFeatures, type UserState } from "../../features/ranker-features.ts";
import { rankerInputs } from "../../features/ranker-inputs.ts";
import type { Feeds, Tensor } from "../../features/tensors.ts";
import type { WithGraph } from "../../models/run-graph.ts";
import type { PostCandidate } from "../context/user-state.ts";

/** The post that was left out, what is wrong with it, and the value found. */
export interface UnrankablePost {
  post_id: string;
  what: string;
  value: number;
}

/** The log's line for the posts that one feed left out. */
export function unrankableError([first, ...others]: UnrankablePost[]): Error {
  const more = others.length > 0 ? `; ${others.length} more posts are left out too` : "";
  return new Error(`post ${first.post_id} is left out of a feed: its ${first.what} is ${first.value}${more}`);
}

/** The ranker's inputs for those of N candidates whose features are all finite. `leftOut` takes the others. */
export function finiteRankerInputs(
  { graphs: { dlrm } }: WithGraph<"dlrm">,
  user: UserState,
  vector: Float32Array,
  posts: PostCandidate[],
  now: number,
  leftOut: UnrankablePost[],
): { posts: PostCandidate[]; feeds: Feeds } {
  const feeds = rankerInputs(user, vector, posts, now, dlrm);
  const { post_features, pair_features, posts: vectors } = feeds;
  if ([post_features, pair_features, vectors].every(allFinite)) return { posts, feeds };
  const finite = posts.filter((post, i) => {
    const wrong =
      notFinite(post_features, i, postFeatures) ??
      notFinite(pair_features, i, pairFeatures) ??
      notFinite(vectors, i, []);
    if (wrong) leftOut.push({ post_id: post.post_id, ...wrong });
    return !wrong;
  });
  // again, since a candidate's ranks say where it stands among the others
  return { posts: finite, feeds: rankerInputs(user, vector, finite, now, dlrm) };
}

/** Whether all numbers are: their sum is, then. One by one, with their names, they took a feed 0.2 ms. */
function allFinite({ data }: Tensor): boolean {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Number(data[i]);
  return Number.isFinite(sum);
}

function notFinite({ data, dims }: Tensor, row: number, names: string[]): Omit<UnrankablePost, "post_id"> | undefined {
  for (let column = 0; column < dims[1]; column++) {
    const value = Number(data[row * dims[1] + column]);
    if (!Number.isFinite(value)) return { what: names[column] ?? `vector[${column}]`, value };
  }
  return undefined;
}

/** A few of the requests that a ranker was told of, for the gate to see whether the exported graph answers as the trainer does. */
import { categories } from "../../supabase/functions/_shared/features/categories.ts";
import { vectorAt } from "../engine/vector-at.ts";
import { denseWidth } from "./dense-features.ts";
import { RankingExamples } from "./ranking-examples.ts";

const number = 2;

/** The last of them, the latest first, each alone; the other examples need not be kept for them. */
export function sampledRequests(examples: RankingExamples): RankingExamples[] {
  const last = examples.requests.map((_, request) => request).slice(-number);
  return last.reverse().map((request) => oneRequest(examples, request));
}

/** A request alone, each of whose rows that stands for anything stands for one candidate, as in serving. */
function oneRequest(examples: RankingExamples, request: number): RankingExamples {
  const first = examples.rowOf(request);
  const rows = examples.weights.subarray(first, examples.rowOf(request + 1)).findLastIndex((weight) => weight > 0) + 1;
  const one = new RankingExamples([examples.requests[request]], rows, examples.heads);
  one.users.set(vectorAt(examples.users, request));
  one.posts.set(examples.posts.subarray(first, first + rows));
  one.weights.fill(1);
  one.dense.set(examples.dense.subarray(first * denseWidth, (first + rows) * denseWidth));
  const c = categories.length;
  one.categories.set(examples.categories.subarray(first * c, (first + rows) * c));
  return one;
}

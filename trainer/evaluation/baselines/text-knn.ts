import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { type SparseVector, TfIdf } from "../metrics/tf-idf.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { interactedPairs, latest } from "./collaborative.ts";

/** Text kNN: cosine of a post's TF-IDF vector with the sum of those of the user's latest posts. */
export function textKnn(sizes: Sizes, tfIdf = new TfIdf()) {
  const pairs = interactedPairs(sizes);
  /** Posts that wait until the weights of words are known. */
  let waiting: [post: number, counts: Map<number, number>][] | undefined = [];
  const vectors: SparseVector[] = [];
  /** By term: the posts that hold it, and its value in each. */
  const postings: { posts: number[]; values: number[] }[] = [];
  let profile = new Float64Array();
  const add = (post: number, counts: Map<number, number>) => {
    const vector = tfIdf.vector(counts);
    vectors[post] = vector;
    for (const [i, term] of vector.terms.entries()) {
      postings[term].posts.push(post);
      postings[term].values.push(vector.values[i]);
    }
  };
  return {
    name: "text kNN",
    train() {
      tfIdf.fit();
      profile = new Float64Array(tfIdf.terms);
      for (let term = 0; term < tfIdf.terms; term++) postings.push({ posts: [], values: [] });
      for (const [post, counts] of waiting ?? []) add(post, counts);
      waiting = undefined;
    },
    observe(event) {
      pairs.observe(event);
      if (event.type !== "post") return;
      const counts = tfIdf.count(`${event.title} ${event.description} ${event.tags.join(" ")}`);
      if (waiting) waiting.push([event.post, counts]);
      else add(event.post, counts);
    },
    scores(user: number, _at: number, out: Float64Array) {
      out.fill(0);
      const used = new Set<number>();
      for (const post of pairs.postsOf[user].slice(-latest)) {
        const { terms, values } = vectors[post];
        for (const [i, term] of terms.entries()) {
          profile[term] += values[i];
          used.add(term);
        }
      }
      let squares = 0;
      for (const term of used) squares += profile[term] ** 2;
      for (const term of used) {
        const weight = profile[term] / Math.sqrt(squares);
        profile[term] = 0;
        const { posts, values } = postings[term];
        for (let i = 0; i < posts.length; i++) out[posts[i]] += weight * values[i];
      }
    },
  } satisfies Recommender;
}

/** What a text that shares no word with the user's still counts: without it such posts would rank last, however new. */
const floor = 0.1;

/** Text kNN × recency: (0.1 + cosine) · exp(−age / 24 h). */
export function textKnnRecency(sizes: Sizes, tfIdf?: TfIdf): Recommender {
  const text = textKnn(sizes, tfIdf);
  const createdAt = new Float64Array(sizes.posts);
  return {
    name: "text kNN × recency",
    train: text.train,
    observe(event) {
      text.observe(event);
      if (event.type === "post") createdAt[event.post] = event.at;
    },
    scores(user, at, out) {
      text.scores(user, at, out);
      for (let post = 0; post < out.length; post++) {
        const days = (at - createdAt[post]) / (24 * hour);
        // its logarithm, because exp(−days) itself is 0 for all posts older than two years
        out[post] = Math.log(floor + out[post]) - days;
      }
    },
  };
}

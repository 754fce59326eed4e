import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import { type SparseVector, TfIdf } from "../metrics/tf-idf.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { InteractedPairs, latest } from "./interacted-pairs.ts";

/** Text kNN: cosine of a post's TF-IDF vector with the sum of those of the user's latest posts. */
export class TextKnn extends InteractedPairs implements Recommender {
  readonly name: string = "text kNN";
  private readonly tfIdf: TfIdf;
  /** Posts that wait until the weights of words are known. */
  private waiting: [post: number, counts: Map<number, number>][] | undefined = [];
  private readonly vectors: SparseVector[] = [];
  /** By term: the posts that hold it, and its value in each. */
  private readonly postings: { posts: number[]; values: number[] }[] = [];
  private profile = new Float64Array();

  constructor(sizes: Sizes, tfIdf = new TfIdf()) {
    super(sizes);
    this.tfIdf = tfIdf;
  }

  train(): void {
    this.tfIdf.fit();
    this.profile = new Float64Array(this.tfIdf.terms);
    for (let term = 0; term < this.tfIdf.terms; term++) this.postings.push({ posts: [], values: [] });
    for (const [post, counts] of this.waiting ?? []) this.add(post, counts);
    this.waiting = undefined;
  }

  override observe(event: CommunityEvent): void {
    super.observe(event);
    if (event.type !== "post") return;
    const counts = this.tfIdf.count(`${event.title} ${event.description} ${event.tags.join(" ")}`);
    if (this.waiting) this.waiting.push([event.post, counts]);
    else this.add(event.post, counts);
  }

  scores(user: number, _at: number, out: Float64Array): void {
    out.fill(0);
    const { profile, vectors, postings } = this;
    const used = new Set<number>();
    for (const post of this.postsOf[user].slice(-latest)) {
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
  }

  private add(post: number, counts: Map<number, number>): void {
    const vector = this.tfIdf.vector(counts);
    this.vectors[post] = vector;
    for (const [i, term] of vector.terms.entries()) {
      this.postings[term].posts.push(post);
      this.postings[term].values.push(vector.values[i]);
    }
  }
}

/** What a text that shares no word with the user's still counts: without it such posts would rank last, however new. */
const floor = 0.1;

/** Text kNN × recency: (0.1 + cosine) · exp(−age / 24 h). */
export class TextKnnRecency extends TextKnn {
  override readonly name = "text kNN × recency";
  private readonly createdAt: Float64Array;

  constructor(sizes: Sizes, tfIdf?: TfIdf) {
    super(sizes, tfIdf);
    this.createdAt = new Float64Array(sizes.posts);
  }

  override observe(event: CommunityEvent): void {
    super.observe(event);
    if (event.type === "post") this.createdAt[event.post] = event.at;
  }

  override scores(user: number, at: number, out: Float64Array): void {
    super.scores(user, at, out);
    for (let post = 0; post < out.length; post++) {
      const days = (at - this.createdAt[post]) / (24 * hour);
      // its logarithm, because exp(−days) itself is 0 for all posts older than two years
      out[post] = Math.log(floor + out[post]) - days;
    }
  }
}

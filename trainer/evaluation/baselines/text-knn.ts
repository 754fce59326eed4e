import type { CommunityEvent } from "../history/event-walk.ts";
import { type SparseVector, TfIdf } from "../metrics/tf-idf.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { InteractedPairs, latest } from "./interacted-pairs.ts";

/** Text kNN: cosine of a post's TF-IDF vector with the sum of those of the user's latest posts. */
export class TextKnn implements Recommender {
  readonly name: string = "text kNN";
  private readonly pairs: InteractedPairs;
  private readonly tfIdf: TfIdf;
  /** Posts that wait until the weights of words are known. */
  private waiting: [post: number, counts: Map<number, number>][] | undefined = [];
  private readonly vectors: SparseVector[] = [];
  /** By term: the posts that hold it, and its value in each. */
  private readonly postings: { posts: number[]; values: number[] }[] = [];
  private profile = new Float64Array();

  constructor(sizes: Sizes, tfIdf = new TfIdf()) {
    this.pairs = new InteractedPairs(sizes);
    this.tfIdf = tfIdf;
  }

  train(): void {
    this.tfIdf.fit();
    this.profile = new Float64Array(this.tfIdf.terms);
    for (let term = 0; term < this.tfIdf.terms; term++) this.postings.push({ posts: [], values: [] });
    for (const [post, counts] of this.waiting ?? []) this.add(post, counts);
    this.waiting = undefined;
  }

  observe(event: CommunityEvent): void {
    this.pairs.observe(event);
    if (event.type !== "post") return;
    const counts = this.tfIdf.count(`${event.title} ${event.description} ${event.tags.join(" ")}`);
    if (this.waiting) this.waiting.push([event.post, counts]);
    else this.add(event.post, counts);
  }

  scores(user: number, _at: number, out: Float64Array): void {
    out.fill(0);
    const { profile, vectors, postings } = this;
    const used = new Set<number>();
    for (const post of this.pairs.postsOf[user].slice(-latest)) {
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

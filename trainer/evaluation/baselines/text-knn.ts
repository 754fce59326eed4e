import type { CommunityEvent, Recommender, Sizes } from "../recommender.ts";
import { type SparseVector, TfIdf } from "./tf-idf.ts";
import { Touches } from "./touches.ts";

/** Text kNN: cosine of a post's TF-IDF vector with the sum of those of the user's posts. */
export class TextKnn implements Recommender {
  readonly name: string = "text kNN";
  protected readonly touches: Touches;
  protected readonly createdAt: Float64Array;
  private readonly tfIdf = new TfIdf();
  private readonly counts: Map<number, number>[] = [];
  private readonly vectors: SparseVector[] = [];
  private profile = new Float64Array();

  constructor(sizes: Sizes) {
    this.touches = new Touches(sizes);
    this.createdAt = new Float64Array(sizes.posts);
  }

  train(): void {
    this.tfIdf.fit();
    this.profile = new Float64Array(this.tfIdf.terms);
    for (const [post, counts] of this.counts.entries()) this.vectors[post] = this.tfIdf.vector(counts);
  }

  observe(event: CommunityEvent): void {
    this.touches.observe(event);
    if (event.type !== "post") return;
    this.createdAt[event.post] = event.at;
    const counts = this.tfIdf.count(`${event.title} ${event.description} ${event.tags.join(" ")}`);
    if (this.profile.length === 0) this.counts[event.post] = counts;
    else this.vectors[event.post] = this.tfIdf.vector(counts);
  }

  scores(user: number, _at: number, out: Float64Array): void {
    const { profile, vectors } = this;
    profile.fill(0);
    for (const post of this.touches.postsOf[user]) {
      const { terms, values } = vectors[post];
      for (let i = 0; i < terms.length; i++) profile[terms[i]] += values[i];
    }
    const norm = Math.sqrt(profile.reduce((sum, value) => sum + value * value, 0)) || 1;
    for (const [post, { terms, values }] of vectors.entries()) {
      let dot = 0;
      for (let i = 0; i < terms.length; i++) dot += profile[terms[i]] * values[i];
      out[post] = dot / norm;
    }
  }
}

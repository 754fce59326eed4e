/**
 * Forecasts how many people a post reaches in its first week from title, tags and author: ridge regression on words,
 * mean of the nearest titles, and the author's mean. A blend fitted on later posts combines them.
 */
import { AuthorMeans, type Level } from "./author-means.ts";
import { type Blend, blended, fitBlend, type Parts } from "./blend.ts";
import { fitRidge, predictRidge, type Ridge } from "./ridge.ts";
import { distinctWordsOf, type Neighbour, TitleIndex } from "./title-index.ts";
import type { SettledPost, WrittenPost } from "./written-post.ts";

/** Chosen by validation; other values differ little. */
const ridge = { penalty: 60, leastTexts: 3 };
/** Number of nearest titles that are averaged. */
const neighbours = 100;
/** Share of the latest posts, on which the blend is fitted. */
const heldOutShare = 0.2;
/** Maximum number of held-out posts: enough for three weights. */
const heldOutAtMost = 600;

export class Forecaster {
  private readonly words: Ridge;
  private readonly index: TitleIndex;
  private readonly authors = new AuthorMeans();
  /** log(1 + people) of each post in the index. */
  private readonly targets: number[] = [];
  readonly blend: Blend;

  /** Learns from posts in chronological order. */
  constructor(posts: readonly SettledPost[], blend?: Blend, texts: string[][] = posts.map(distinctWordsOf)) {
    const targets = Float64Array.from(posts, ({ people }) => Math.log1p(people));
    this.words = fitRidge(texts, targets, ridge);
    this.index = new TitleIndex(texts);
    for (const [i, post] of posts.entries()) this.put(texts[i], post);
    this.blend = blend ?? learnBlend(posts, texts);
  }

  /** Adds a settled post to the nearest titles and author means; the words' weights stay. */
  add(post: SettledPost): void {
    this.put(distinctWordsOf(post), post);
  }

  private put(text: string[], { author, people }: SettledPost): void {
    const target = Math.log1p(people);
    this.index.add(text);
    this.targets.push(target);
    this.authors.add(author, target);
  }

  parts(post: WrittenPost): Parts {
    const text = distinctWordsOf(post);
    const near = this.index.nearest(text, neighbours);
    const nearest =
      near.length > 0 ? near.reduce((sum, each) => sum + this.targets[each.text], 0) / near.length : this.words.mean;
    return { words: predictRidge(this.words, text), nearest, author: this.authors.of(post.author) };
  }

  /** Expected number of people in the first week, at least 0. */
  forecast(post: WrittenPost): number {
    return blended(this.blend, this.parts(post));
  }

  /** Mean audience of all posts, in log(1 + people). */
  get level(): Level {
    return this.authors.all;
  }

  /** Forecast from a title's words alone, in log(1 + people); faster than `forecast`. */
  promise(title: string): number {
    return predictRidge(this.words, distinctWordsOf({ title, tags: [] }));
  }

  /** The posts nearest to a text, nearest first, as indices into the posts learned from. */
  nearest(post: WrittenPost, count: number): Neighbour[] {
    return this.index.nearest(distinctWordsOf(post), count);
  }
}

/** A placeholder blend, for a forecaster of which only `parts` is used. */
export const unblended: Blend = {
  weights: { words: 0, nearest: 0, author: 0 },
  means: { words: 0, nearest: 0, author: 0 },
  mean: 0,
  scale: 1,
};

/** Fits the blend on the latest posts, with parts that were fitted on the earlier ones. */
function learnBlend(posts: readonly SettledPost[], texts: string[][]): Blend {
  const start = Math.floor(posts.length * (1 - heldOutShare));
  const earlier = new Forecaster(posts.slice(0, start), unblended, texts.slice(0, start));
  const heldOut = posts.slice(start);
  const step = Math.max(1, heldOut.length / heldOutAtMost);
  const sample = Array.from({ length: Math.floor(heldOut.length / step) }, (_, i) => heldOut[Math.floor(i * step)]);
  return fitBlend(
    sample.map((post) => earlier.parts(post)),
    sample.map(({ people }) => people),
    posts.slice(0, start).map(({ people }) => people),
  );
}

/**
 * Finds nearest texts by cosine of TF-IDF vectors with binary term counts: titles hardly repeat words (Salton &
 * Buckley, "Term-weighting approaches in automatic text retrieval", 1988).
 */
import { words } from "../../features/words.ts";

/** Words in more than this share of the texts get weight 0: a stop list for any language. */
const stopShare = 0.1;

const bins = 512;

export interface Neighbour {
  /** Index of the text, in the order of insertion. */
  text: number;
  /** Cosine, above 0 and up to 1. */
  similarity: number;
}

export class TitleIndex {
  /** Number of texts in the index. */
  size = 0;
  private readonly weights = new Map<string, number>();
  private readonly weightOfUnknown: number;
  private readonly postings = new Map<string, { texts: number[]; values: number[] }>();
  /** Similarity by text; all 0 between queries. */
  private similarities = new Float64Array(1024);

  /**
   * `sample`: texts for the idf, which are not added. `commonest`: words in more than this share of
   * them get weight 0; 1 keeps all words.
   */
  constructor(sample: readonly (readonly string[])[], commonest = stopShare) {
    const counts = new Map<string, number>();
    for (const text of sample) for (const word of text) counts.set(word, (counts.get(word) ?? 0) + 1);
    const idf = (count: number) => 1 + Math.log((1 + sample.length) / (1 + count));
    for (const [word, count] of counts) this.weights.set(word, count > commonest * sample.length ? 0 : idf(count));
    this.weightOfUnknown = idf(0);
  }

  add(text: readonly string[]): void {
    const number = this.size++;
    if (number >= this.similarities.length) this.similarities = new Float64Array(2 * this.similarities.length);
    const length = this.lengthOf(text);
    for (const word of text) {
      const weight = this.weightOf(word);
      if (weight === 0) continue;
      let posting = this.postings.get(word);
      if (!posting) {
        posting = { texts: [], values: [] };
        this.postings.set(word, posting);
      }
      posting.texts.push(number);
      posting.values.push(weight / length);
    }
  }

  /** Up to `count` nearest texts, nearest first, of those that share a word with `text`. */
  nearest(text: readonly string[], count: number): Neighbour[] {
    const { similarities } = this;
    const length = this.lengthOf(text);
    const touched: number[] = [];
    for (const word of text) {
      const posting = this.postings.get(word);
      if (!posting) continue;
      const weight = this.weightOf(word) / length;
      const { texts, values } = posting;
      for (let i = 0; i < texts.length; i++) {
        if (similarities[texts[i]] === 0) touched.push(texts[i]);
        similarities[texts[i]] += weight * values[i];
      }
    }
    const least = this.leastOf(touched, count);
    const neighbours: Neighbour[] = [];
    for (let i = 0; i < touched.length; i++) {
      const similarity = similarities[touched[i]];
      similarities[touched[i]] = 0;
      if (similarity >= least) neighbours.push({ text: touched[i], similarity });
    }
    return neighbours.sort((a, b) => b.similarity - a.similarity || b.text - a.text).slice(0, count);
  }

  /**
   * A threshold that at least `count` texts reach and few more, found with a histogram, since sorting all takes longer.
   */
  private leastOf(texts: number[], count: number): number {
    const reaching = new Uint32Array(bins + 1);
    for (let i = 0; i < texts.length; i++) reaching[Math.floor(bins * Math.min(1, this.similarities[texts[i]]))]++;
    let bin = bins;
    for (let found = reaching[bin]; found < count && bin > 0; ) found += reaching[--bin];
    return bin / bins;
  }

  private weightOf(word: string): number {
    return this.weights.get(word) ?? this.weightOfUnknown;
  }

  private lengthOf(text: readonly string[]): number {
    let squares = 0;
    for (const word of text) squares += this.weightOf(word) ** 2;
    return Math.sqrt(squares) || 1;
  }
}

/** The distinct words of title and tags, in order. */
export function distinctWordsOf({ title, tags }: { title: string; tags: readonly string[] }): string[] {
  return [...new Set(words(tags.length > 0 ? `${title} ${tags.join(" ")}` : title))];
}

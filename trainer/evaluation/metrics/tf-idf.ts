import { words } from "../../../supabase/functions/_shared/features/words.ts";

/** A sparse vector over the vocabulary. */
export interface SparseVector {
  terms: Int32Array;
  values: Float64Array;
}

/**
 * Texts as unit vectors of (1 + ln count) · idf, idf = 1 + ln((1 + n) / (1 + n containing the word)).
 * Words in more than `commonest` of all texts weigh nothing: a stop list for any language.
 */
export class TfIdf {
  private readonly commonest: number;
  private readonly vocabulary = new Map<string, number>();
  private readonly documentsWith: number[] = [];
  private documents = 0;
  private idf = new Float64Array();

  constructor(commonest = 0.1) {
    this.commonest = commonest;
  }

  /** The words of a text as term → count; the text counts as one more document. */
  count(text: string): Map<number, number> {
    const counts = new Map<number, number>();
    for (const word of words(text)) {
      let term = this.vocabulary.get(word);
      if (term === undefined) {
        term = this.vocabulary.size;
        this.vocabulary.set(word, term);
        this.documentsWith.push(0);
      }
      counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    for (const term of counts.keys()) this.documentsWith[term]++;
    this.documents++;
    return counts;
  }

  /** Fixes the weights of words as of now; words that come later weigh nothing. */
  fit(): void {
    const idf = (df: number) =>
      df > this.commonest * this.documents ? 0 : 1 + Math.log((1 + this.documents) / (1 + df));
    this.idf = Float64Array.from(this.documentsWith, idf);
  }

  /** How many words the vectors may hold. */
  get terms(): number {
    return this.idf.length;
  }

  vector(counts: Map<number, number>): SparseVector {
    const known = [...counts].filter(([term]) => this.idf[term] > 0);
    const values = known.map(([term, count]) => (1 + Math.log(count)) * this.idf[term]);
    const norm = Math.hypot(...values);
    return {
      terms: Int32Array.from(known, ([term]) => term),
      values: Float64Array.from(values, (value) => value / norm),
    };
  }
}

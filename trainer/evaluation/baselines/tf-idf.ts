import { words } from "../../../supabase/functions/_shared/tokens.ts";

/** A sparse vector over the vocabulary. */
export interface SparseVector {
  terms: Int32Array;
  values: Float64Array;
}

/** Texts as unit vectors of (1 + ln count) · idf, idf = 1 + ln((1 + n) / (1 + n containing the word)). */
export class TfIdf {
  private readonly vocabulary = new Map<string, number>();
  private readonly documentsWith: number[] = [];
  private documents = 0;
  private idf = new Float64Array();

  /** The words of a text as [term, count], counted as one more document. */
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
    this.idf = Float64Array.from(this.documentsWith, (df) => 1 + Math.log((1 + this.documents) / (1 + df)));
  }

  /** How many words weigh something. */
  get terms(): number {
    return this.idf.length;
  }

  vector(counts: Map<number, number>): SparseVector {
    const known = [...counts].filter(([term]) => term < this.idf.length);
    const terms = Int32Array.from(known, ([term]) => term);
    const values = Float64Array.from(known, ([term, count]) => (1 + Math.log(count)) * this.idf[term]);
    const norm = Math.hypot(...values);
    return { terms, values: values.map((value) => value / norm) };
  }
}

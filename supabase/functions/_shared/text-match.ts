/**
 * How much the words of a post's title and tags are those of the posts a user touched. Beside the towers' similarity it
 * knows single words, rare ones above all: travel-se in its second year, listwise loss 2.89 without it, 2.76 with it; in
 * its sixth 3.04 and 3.02.
 */
import { words } from "./tokens.ts";

export interface Text {
  title: string;
  tags: string[];
}

/** Each step back in the history weighs this much less. */
const decay = 0.95;

/**
 * Cosine of each candidate's TF-IDF vector with the decayed sum of the history's (latest first), 0 to 1. The idf is that
 * of the candidates: they are a fair sample of what is talked about now, and it needs no state.
 */
export function textMatches(history: Text[], candidates: Text[]): Float64Array {
  const matches = new Float64Array(candidates.length);
  if (history.length === 0) return matches;
  const documents = candidates.map(wordsOf);
  const frequencies = new Map<string, number>();
  for (const document of documents)
    for (const word of document) frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
  const idf = (word: string) => Math.log((1 + candidates.length) / (1 + (frequencies.get(word) ?? 0)));
  const interest = new Map<string, number>();
  let weight = 1;
  for (const post of history) {
    const document = wordsOf(post);
    const length = lengthOf(document, idf);
    if (length > 0)
      for (const word of document) interest.set(word, (interest.get(word) ?? 0) + (weight * idf(word)) / length);
    weight *= decay;
  }
  const interestLength = Math.hypot(...interest.values());
  for (const [i, document] of documents.entries()) {
    let dot = 0;
    for (const word of document) dot += idf(word) * (interest.get(word) ?? 0);
    const length = lengthOf(document, idf) * interestLength;
    if (length > 0) matches[i] = dot / length;
  }
  return matches;
}

function lengthOf(document: string[], idf: (word: string) => number): number {
  let sum = 0;
  for (const word of document) sum += idf(word) ** 2;
  return Math.sqrt(sum);
}

/** Texts come again and again, in one feed after another and above all in training. */
const known = new Map<string, string[]>();
const knownAtMost = 20_000;

/** The distinct words of title and tags. */
function wordsOf({ title, tags }: Text): string[] {
  const text = tags.length > 0 ? `${title} ${tags.join(" ")}` : title;
  const found = known.get(text);
  if (found) return found;
  if (known.size >= knownAtMost) known.clear();
  const document = [...new Set(words(text))];
  known.set(text, document);
  return document;
}

/**
 * How much the words of a post's title and tags are those of the posts a user interacted with. Beside the towers' similarity it
 * knows single words, rare ones above all: travel-se in its second year, listwise loss 2.89 without it, 2.76 with it; in
 * its sixth 3.04 and 3.02.
 */
import { words } from "./tokens.ts";

export interface Text {
  title: string;
  tags: string[];
}

/** Each step back in the history weighs this much less. */
export const textDecay = 0.95;

/**
 * Cosine of each candidate's TF-IDF vector with the decayed sum of the history's (latest first), 0 to 1. The idf is that
 * of the candidates: they are a fair sample of what is talked about now, and it needs no state.
 */
export function textMatches(history: Text[], candidates: Text[]): Float64Array {
  const matches = new Float64Array(candidates.length);
  if (history.length === 0) return matches;
  const documents = candidates.map(wordsOf);
  const idfs = new Map<string, number>();
  for (const document of documents) for (const word of document) idfs.set(word, (idfs.get(word) ?? 0) + 1);
  for (const [word, frequency] of idfs) idfs.set(word, Math.log((1 + candidates.length) / (1 + frequency)));
  const ofUnseen = Math.log(1 + candidates.length);
  const interest = new Map<string, number>();
  let weight = 1;
  for (const post of history) {
    const document = wordsOf(post);
    const idf = document.map((word) => idfs.get(word) ?? ofUnseen);
    const length = Math.hypot(...idf);
    if (length > 0)
      for (const [i, word] of document.entries())
        interest.set(word, (interest.get(word) ?? 0) + (weight * idf[i]) / length);
    weight *= textDecay;
  }
  const interestLength = Math.hypot(...interest.values());
  for (const [i, document] of documents.entries()) {
    let dot = 0;
    let square = 0;
    for (const word of document) {
      const idf = idfs.get(word) as number;
      dot += idf * (interest.get(word) ?? 0);
      square += idf * idf;
    }
    const length = Math.sqrt(square) * interestLength;
    if (length > 0) matches[i] = dot / length;
  }
  return matches;
}

/**
 * Texts come again and again: in training as the same arrays of tags, in serving as the same words in one feed after
 * another. Making a key of title and tags to look them up by took training as long as everything else here.
 */
const ofTags = new WeakMap<string[], { title: string; document: string[] }>();
const ofText = new Map<string, string[]>();
const textsAtMost = 20_000;

/** The distinct words of title and tags. */
function wordsOf({ title, tags }: Text): string[] {
  const found = ofTags.get(tags);
  if (found?.title === title) return found.document;
  const text = tags.length > 0 ? `${title} ${tags.join(" ")}` : title;
  let document = ofText.get(text);
  if (!document) {
    if (ofText.size >= textsAtMost) ofText.clear();
    document = [...new Set(words(text))];
    ofText.set(text, document);
  }
  ofTags.set(tags, { title, document });
  return document;
}

/**
 * How much the words of a post's title and tags are those of the posts a user interacted with. In addition to the towers' similarity it
 * knows single words, rare ones above all: travel-se in its second year, listwise loss 2.89 without it, 2.76 with it; in
 * its sixth 3.04 and 3.02.
 */
import { mostCounted } from "./document-frequency.ts";
import { documentPool, documentsOf, forgetDocuments, numberOf, type Text, wordCount, wordsOf } from "./documents.ts";

/** Each step back in the history weighs this much less. */
export const textDecay = 0.95;

/**
 * Cosine of each candidate's TF-IDF vector with the decayed sum of the history's (latest first), 0 to 1. The idf is that
 * of the candidates: they are a fair sample of what is talked about now, and it needs no state.
 */
export function textMatches(history: Text[], candidates: Text[]): Float64Array {
  const matches = new Float64Array(candidates.length);
  if (history.length === 0) return matches;
  if (forgetDocuments()) documentsRead = new WeakMap();
  const documents = documentsOf(candidates);
  documentsRead.set(candidates, documents);
  const { pool, idfs, interestLength, forgetInterest } = interestIn(history, documents);
  for (let i = 0; i < documents.length; i++) {
    const document = documents[i];
    let dot = 0;
    let square = 0;
    for (let w = 1; w <= pool[document]; w++) {
      const word = pool[document + w];
      const idf = idfs[counted[word]];
      dot += idf * interest[word];
      square += idf * idf;
    }
    const length = Math.sqrt(square) * interestLength;
    if (length > 0) matches[i] = dot / length;
  }
  forgetInterest();
  return matches;
}

/** A word in more of the candidates than this tells nobody why a post is shown. */
const commonShare = 0.05;
const termsAtMost = 3;

/** The words that each of some candidates shares with the history, those that add most to its match first; common ones are left out. `candidates` do not change once `textMatches` had them. */
export function sharedTerms(history: Text[], candidates: Text[], some: Text[]): string[][] {
  if (history.length === 0) return some.map(() => []);
  const { idfs, forgetInterest } = interestIn(history, documentsRead.get(candidates) ?? documentsOf(candidates));
  const terms = some.map((text) => {
    const shared: [word: string, weight: number][] = [];
    for (const word of new Set(wordsOf(text))) {
      const number = numberOf(word);
      if (number === undefined || interest[number] === 0 || counted[number] > commonShare * candidates.length) continue;
      shared.push([word, idfs[counted[number]] * interest[number]]);
    }
    return shared
      .sort((a, b) => b[1] - a[1])
      .slice(0, termsAtMost)
      .map(([word]) => word);
  });
  forgetInterest();
  return terms;
}

/** Fills `counted` and `interest`, until `forgetInterest` is called. */
function interestIn(history: Text[], documents: Int32Array) {
  const past = documentsOf(history);
  const pool = documentPool();
  if (counted.length < wordCount()) makeRoom();
  const most = mostCounted(documents.map((document) => pool[document]));
  // words are counted through by index here: with `of` they took twice as long
  for (const document of documents)
    if (pool[document] <= most) for (let w = 1; w <= pool[document]; w++) counted[pool[document + w]]++;
  // by how many of the candidates have a word; 0 is that of a word of the history alone
  const idfs = idfsOf(documents.length);
  const interests: number[] = [];
  let weight = 1;
  for (const document of past) {
    let square = 0;
    for (let w = 1; w <= pool[document]; w++) square += idfs[counted[pool[document + w]]] ** 2;
    const length = Math.sqrt(square);
    if (length > 0)
      for (let w = 1; w <= pool[document]; w++) {
        const word = pool[document + w];
        if (interest[word] === 0) interests.push(word);
        interest[word] += (weight * idfs[counted[word]]) / length;
      }
    weight *= textDecay;
  }
  let interestSquare = 0;
  for (const word of new Set(interests)) interestSquare += interest[word] ** 2;
  const forgetInterest = () => {
    for (const document of documents) for (let w = 1; w <= pool[document]; w++) counted[pool[document + w]] = 0;
    for (const word of interests) interest[word] = 0;
  };
  return { pool, idfs, interestLength: Math.sqrt(interestSquare), forgetInterest };
}

let lastIdfs = new Float64Array();

/** By how many of N candidates have a word. */
function idfsOf(candidates: number): Float64Array {
  if (lastIdfs.length !== 1 + candidates) {
    lastIdfs = new Float64Array(1 + candidates);
    for (let count = 0; count <= candidates; count++) lastIdfs[count] = Math.log((1 + candidates) / (1 + count));
  }
  return lastIdfs;
}

/** Of each word, all 0 between two calls: how many candidates that count (`mostCounted`) have it, and the user's interest in it. */
let counted = new Int32Array();
let interest = new Float64Array();

function makeRoom(): void {
  counted = new Int32Array(2 * wordCount());
  interest = new Float64Array(2 * wordCount());
}

/** Of the candidates that `textMatches` had: to look 550 of them up again took as long as what `sharedTerms` does with them. */
let documentsRead = new WeakMap<Text[], Int32Array>();

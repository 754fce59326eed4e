/**
 * Similarity of a post's words (title and tags) to those of the posts that a user interacted with. It complements the
 * towers' similarity by single words, above all rare ones.
 */
import { mostCounted } from "./document-frequency.ts";
import { documentPool, documentsOf, forgetDocuments, numberOf, type Text, wordCount, wordsOf } from "./documents.ts";

/** Decay factor per step back in the history. */
export const textDecay = 0.95;

/**
 * Cosine of each candidate's TF-IDF vector with the decayed sum of the history's (latest first), 0 to 1. The idf is
 * that of the candidates, a sample of current posts, so it needs no state.
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

/** Maximum share of candidates with a word; a more common one explains nothing as a reason. */
const commonShare = 0.05;
const termsAtMost = 3;

/**
 * The rare words that each of `some` candidates shares with the history, largest contribution first. `candidates` must
 * not change after `textMatches` read them.
 */
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

/** Fills `counted` and `interest`; both must be reset with `forgetInterest`. */
function interestIn(history: Text[], documents: Int32Array) {
  const past = documentsOf(history);
  const pool = documentPool();
  if (counted.length < wordCount()) makeRoom();
  const most = mostCounted(documents.map((document) => pool[document]));
  // loops by index: `for … of` takes twice as long
  for (const document of documents)
    if (pool[document] <= most) for (let w = 1; w <= pool[document]; w++) counted[pool[document + w]]++;
  // indexed by the number of candidates with the word; 0 for a word of the history alone
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

/** The idf by number of candidates with a word, of N candidates. */
function idfsOf(candidates: number): Float64Array {
  if (lastIdfs.length !== 1 + candidates) {
    lastIdfs = new Float64Array(1 + candidates);
    for (let count = 0; count <= candidates; count++) lastIdfs[count] = Math.log((1 + candidates) / (1 + count));
  }
  return lastIdfs;
}

/**
 * By word number, and all 0 between calls: the number of counting candidates (`mostCounted`)
 * with it, and the user's interest in it.
 */
let counted = new Int32Array();
let interest = new Float64Array();

function makeRoom(): void {
  counted = new Int32Array(2 * wordCount());
  interest = new Float64Array(2 * wordCount());
}

/** Documents of the candidates of `textMatches`, so that `sharedTerms` need not look them up again. */
let documentsRead = new WeakMap<Text[], Int32Array>();

/**
 * How much the words of a post's title and tags are those of the posts a user interacted with. Beside the towers' similarity it
 * knows single words, rare ones above all: travel-se in its second year, listwise loss 2.89 without it, 2.76 with it; in
 * its sixth 3.04 and 3.02.
 */
import { words } from "./words.ts";

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
  if (numbers.size > wordsAtMost) forget();
  const documents = candidates.map(wordsOf);
  documentsOf.set(candidates, documents);
  const { idfs, interestLength, forgetInterest } = interestIn(history, documents);
  for (let i = 0; i < documents.length; i++) {
    const document = documents[i];
    let dot = 0;
    let square = 0;
    for (let w = 0; w < document.length; w++) {
      const idf = idfs[counted[document[w]]];
      dot += idf * interest[document[w]];
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
  const { idfs, forgetInterest } = interestIn(history, documentsOf.get(candidates) ?? candidates.map(wordsOf));
  const terms = some.map(({ title, tags }) => {
    const shared: [word: string, weight: number][] = [];
    for (const word of new Set(words(`${title} ${tags.join(" ")}`))) {
      const number = numbers.get(word);
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
function interestIn(history: Text[], documents: Document[]) {
  const past = history.map(wordsOf);
  if (counted.length < numbers.size) makeRoom();
  // words are counted through by index here: with `of` they took twice as long
  for (const document of documents) for (let w = 0; w < document.length; w++) counted[document[w]]++;
  // by how many of the candidates have a word; 0 is that of a word of the history alone
  const idfs = idfsOf(documents.length);
  const interests: number[] = [];
  let weight = 1;
  for (const document of past) {
    let square = 0;
    for (const word of document) square += idfs[counted[word]] ** 2;
    const length = Math.sqrt(square);
    if (length > 0)
      for (const word of document) {
        if (interest[word] === 0) interests.push(word);
        interest[word] += (weight * idfs[counted[word]]) / length;
      }
    weight *= textDecay;
  }
  let interestSquare = 0;
  for (const word of new Set(interests)) interestSquare += interest[word] ** 2;
  const forgetInterest = () => {
    for (const document of documents) for (let w = 0; w < document.length; w++) counted[document[w]] = 0;
    for (const word of interests) interest[word] = 0;
  };
  return { idfs, interestLength: Math.sqrt(interestSquare), forgetInterest };
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

/** Of each word, all 0 between two calls: how many candidates have it, and the user's interest in it. */
let counted = new Int32Array();
let interest = new Float64Array();

function makeRoom(): void {
  counted = new Int32Array(2 * numbers.size);
  interest = new Float64Array(2 * numbers.size);
}

/** The distinct words of a text, by number. No typed array: of so few numbers it takes three times the memory, most of it outside of the heap. */
type Document = readonly number[];

/*
 * Texts come again and again: in training as the same arrays of tags, in serving as the same words in one feed after
 * another. Making a key of title and tags to look them up by took training as long as everything else here. Words are
 * counted by their numbers, in arrays.
 */
let ofTags = new WeakMap<string[], { title: string; document: Document }>();
const ofText = new Map<string, Document>();
/** Of the candidates that `textMatches` had: to look 550 of them up again took as long as what `sharedTerms` does with them. */
let documentsOf = new WeakMap<Text[], Document[]>();
const textsAtMost = 20_000;
/** The number of each word, from 0. */
const numbers = new Map<string, number>();
const wordsAtMost = 50_000;

/** Numbers go together with everything that names words by them. */
function forget(): void {
  numbers.clear();
  ofText.clear();
  ofTags = new WeakMap();
  documentsOf = new WeakMap();
}

/** The distinct words of title and tags, by number. */
function wordsOf({ title, tags }: Text): Document {
  const found = ofTags.get(tags);
  if (found?.title === title) return found.document;
  const text = tags.length > 0 ? `${title} ${tags.join(" ")}` : title;
  let document = ofText.get(text);
  if (document) {
    // the second time: a text that was read for one feed alone would only burden the garbage collector
    ofTags.set(tags, { title, document });
    return document;
  }
  if (ofText.size >= textsAtMost) ofText.clear();
  document = distinctNumbers(words(text));
  ofText.set(text, document);
  return document;
}

function distinctNumbers(ofDocument: string[]): Document {
  const document: number[] = [];
  documentsRead++;
  for (let w = 0; w < ofDocument.length; w++) {
    const number = numberOf(ofDocument[w]);
    if (lastIn[number] === documentsRead) continue;
    lastIn[number] = documentsRead;
    document.push(number);
  }
  // a list that grew has room for 17
  return document.slice();
}

/** Of each word, the number of the document that it was last found in. */
const lastIn: number[] = [];
let documentsRead = 0;

function numberOf(word: string): number {
  const found = numbers.get(word);
  if (found !== undefined) return found;
  const number = numbers.size;
  numbers.set(word, number);
  return number;
}

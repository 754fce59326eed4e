/**
 * Texts as sets of word numbers. Texts recur between feeds and in training, so parsed ones are cached: in one array of
 * numbers, because a list per text would slow down the garbage collector.
 */
import { words } from "./words.ts";

export interface Text {
  title: string;
  tags: string[];
  /** The result of `hashOf`; computed if left out. */
  hash?: number;
}

/** The number of each word, from 0. */
const numbers = new Map<string, number>();
const wordsAtMost = 50_000;
/** Start of each text's document in the pool, by the hash of the text. */
const kept = new Map<number, number>();
const textsAtMost = 32_768;
/** Concatenated documents: the number of words of each, then their numbers. */
let pool = new Int32Array(1 << 14);
let poolLength = 0;

/** Clears all numbers and documents if there are too many; returns whether it did. */
export function forgetDocuments(): boolean {
  if (numbers.size <= wordsAtMost && kept.size <= textsAtMost) return false;
  numbers.clear();
  kept.clear();
  poolLength = 0;
  return true;
}

/** Start of each text's document in `documentPool`; valid until `forgetDocuments` clears it. */
export function documentsOf(texts: readonly Text[]): Int32Array {
  const documents = new Int32Array(texts.length);
  for (let i = 0; i < documents.length; i++) {
    const hash = texts[i].hash ?? hashOf(texts[i]);
    let document = kept.get(hash);
    if (document === undefined) {
      document = added(texts[i]);
      kept.set(hash, document);
    }
    documents[i] = document;
  }
  return documents;
}

/**
 * The pool: at the start of a document is its number of words, then their numbers.
 * Reading more texts may replace the array.
 */
export function documentPool(): Int32Array {
  return pool;
}

/** Number of words that have a number. */
export function wordCount(): number {
  return numbers.size;
}

/** The number of a word, or undefined if no text has it. */
export function numberOf(word: string): number | undefined {
  return numbers.get(word);
}

/** The words of title and tags. */
export function wordsOf({ title, tags }: Text): string[] {
  return words(tags.length > 0 ? `${title} ${tags.join(" ")}` : title);
}

/**
 * A 53-bit hash of title and tags; 32,768 texts collide with a chance of one in 16 million. It reads single characters,
 * because joining the parts first would be slower.
 */
export function hashOf({ title, tags }: Text): number {
  let [a, b] = [0x2545f491, 0x1b873593];
  for (let part = 0; part <= tags.length; part++) {
    const text = part === 0 ? title : tags[part - 1];
    // a space between the parts
    let letter = part === 0 ? 0 : 32;
    for (let i = 0; i <= text.length; letter = text.charCodeAt(i++)) {
      a = Math.imul(((a << 5) | (a >>> 27)) ^ letter, 0x9e3779b1);
      b = Math.imul(((b << 7) | (b >>> 25)) ^ letter, 0x85ebca6b);
    }
  }
  a ^= b >>> 15;
  return ((b ^ (a >>> 16)) & 0x1fffff) * 2 ** 32 + (a >>> 0);
}

/** By word number: the number of the document in which it last occurred. */
const lastIn: number[] = [];
let documentsRead = 0;

function added(text: Text): number {
  const found = wordsOf(text);
  if (pool.length <= poolLength + found.length) {
    const larger = new Int32Array(2 * (poolLength + found.length + 1));
    larger.set(pool.subarray(0, poolLength));
    pool = larger;
  }
  const document = poolLength++;
  documentsRead++;
  for (let w = 0; w < found.length; w++) {
    const number = numbered(found[w]);
    if (lastIn[number] === documentsRead) continue;
    lastIn[number] = documentsRead;
    pool[poolLength++] = number;
  }
  pool[document] = poolLength - document - 1;
  return document;
}

function numbered(word: string): number {
  const found = numbers.get(word);
  if (found !== undefined) return found;
  const number = numbers.size;
  numbers.set(word, number);
  return number;
}

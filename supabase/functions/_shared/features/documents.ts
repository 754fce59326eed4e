/**
 * Texts as the distinct words that they have, by number. The same texts come again and again, in training as in one feed after another, so
 * what was read of them is kept: as one array of numbers, since a list, a key and an entry for each of 25,000 texts keep a garbage collector busy.
 */
import { words } from "./words.ts";

export interface Text {
  title: string;
  tags: string[];
  /** As `hashOf` has it; left out: it is worked out. */
  hash?: number;
}

/** The number of each word, from 0. */
const numbers = new Map<string, number>();
const wordsAtMost = 50_000;
/** Where the document of each text begins in the pool, by the hash of the text. */
const kept = new Map<number, number>();
const textsAtMost = 32_768;
/** One document behind the other: how many words it has, and their numbers. */
let pool = new Int32Array(1 << 14);
let poolLength = 0;

/** Forgets all numbers and documents where they are too many; whether it did. */
export function forgetDocuments(): boolean {
  if (numbers.size <= wordsAtMost && kept.size <= textsAtMost) return false;
  numbers.clear();
  kept.clear();
  poolLength = 0;
  return true;
}

/** Where the document of each text begins in `documentPool`, until all are forgotten. */
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

/** At the beginning of a document there is how many words it has, and behind that their numbers. It may be another array once more texts were read. */
export function documentPool(): Int32Array {
  return pool;
}

/** How many words have a number. */
export function wordCount(): number {
  return numbers.size;
}

/** The number of a word; undefined: no text has it. */
export function numberOf(word: string): number | undefined {
  return numbers.get(word);
}

/** The words of title and tags, each list once: that of a text that was changed is another. */
export function wordsOf({ title, tags }: Text): string[] {
  return words(tags.length > 0 ? `${title} ${tags.join(" ")}` : title);
}

/**
 * Of title and tags, 53 bits: by these two of 32,768 texts are taken for one with a chance of one in 16 million. Letter by letter:
 * joining title and tags and looking up what that makes takes longer.
 */
export function hashOf({ title, tags }: Text): number {
  let [a, b] = [0x2545f491, 0x1b873593];
  for (let part = 0; part <= tags.length; part++) {
    const text = part === 0 ? title : tags[part - 1];
    // a space, as between words
    let letter = part === 0 ? 0 : 32;
    for (let i = 0; i <= text.length; letter = text.charCodeAt(i++)) {
      a = Math.imul(((a << 5) | (a >>> 27)) ^ letter, 0x9e3779b1);
      b = Math.imul(((b << 7) | (b >>> 25)) ^ letter, 0x85ebca6b);
    }
  }
  a ^= b >>> 15;
  return ((b ^ (a >>> 16)) & 0x1fffff) * 2 ** 32 + (a >>> 0);
}

/** Of each word, the number of the document that it was last found in. */
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

/**
 * The cursor lists the posts that earlier pages served, and no source returns those again; the server keeps nothing, and a
 * cursor may be reused. A made-up cursor can only leave posts out.
 *
 * - format: base64url of version (1 byte), seed (8), number of folded posts (2), and a recsys_engine.served_key (4) a served
 *   post; big-endian
 */

import type { FeedFilter } from "./feed-filter.ts";

/** What a feed has served. */
export interface Served {
  /** Of this feed's keys, a signed 64-bit number. */
  seed: bigint;
  /** recsys_engine.served_key of each post, page by page in the order served. */
  keys: number[];
  /** How many of these had no place, since they were folded into one that had. */
  folded: number;
}

/** How many places the pages of a feed have had. */
export function servedPositions({ keys, folded }: Served): number {
  return keys.length - folded;
}

/** Which page of a feed: its length, what the ones before it served, and what every post of it has to be. */
export interface Page {
  limit: number;
  served: Served;
  filter?: FeedFilter | undefined;
  /** The posts to choose from, each once; left out: what the sources bring. */
  given?: string[] | undefined;
}

/** A feed ends here: then a cursor has 10.7 KB, and the sources have walked past all of these. */
export const maxServedPosts = 2000;

const version = 2;
const header = 11;
const keyBytes = 4;

/** Of a feed that begins. */
export function emptyServedState(): Served {
  const [seed] = crypto.getRandomValues(new BigInt64Array(1));
  return { seed, keys: [], folded: 0 };
}

/** The cursor after a page of posts with these keys, and those folded into them; null where the feed ends. */
export function cursorAfter(
  { seed, keys, folded }: Served,
  page: number[],
  foldedOfPage: number[] = [],
): string | null {
  const served = [...keys, ...page, ...foldedOfPage];
  if (served.length >= maxServedPosts) return null;
  const bytes = new DataView(new ArrayBuffer(header + keyBytes * served.length));
  bytes.setUint8(0, version);
  bytes.setBigInt64(1, seed);
  bytes.setUint16(9, folded + foldedOfPage.length);
  for (const [i, key] of served.entries()) bytes.setUint32(header + keyBytes * i, key);
  let binary = "";
  for (let i = 0; i < bytes.byteLength; i++) binary += String.fromCharCode(bytes.getUint8(i));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What a cursor says; null: it is none that a feed gave. */
export function readCursor(cursor: string): Served | null {
  if (!/^[\w-]+$/.test(cursor) || cursor.length % 4 === 1) return null;
  const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = new DataView(Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer);
  const count = (bytes.byteLength - header) / keyBytes;
  if (!Number.isInteger(count) || count < 1 || count >= maxServedPosts || bytes.getUint8(0) !== version) return null;
  const folded = bytes.getUint16(9);
  if (folded >= count) return null;
  return {
    seed: bytes.getBigInt64(1),
    folded,
    keys: Array.from({ length: count }, (_, i) => bytes.getUint32(header + keyBytes * i)),
  };
}

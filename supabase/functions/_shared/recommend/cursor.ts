/**
 * Where a feed goes on: its cursor says which posts its earlier pages served, and no source brings those again, whatever was written,
 * voted for or deleted in between. It is all there is: nothing is kept on the server, so any worker may make the next page, and the
 * same cursor may be sent again. It only leaves posts out, so who makes one up gets fewer posts and never one they may not read.
 *
 *   base64url of: version (1 byte), seed (8 bytes, big-endian), for each served post its recsys.served_key (4 bytes, big-endian)
 */

import type { FeedFilter } from "./filter.ts";

/** What a feed has served. */
export interface Served {
  /** Of this feed's keys, a signed 64-bit number. */
  seed: bigint;
  /** recsys.served_key of each post, in the order served. */
  keys: number[];
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
export const servedAtMost = 2000;

const version = 1;
const header = 9;
const keyBytes = 4;

/** Of a feed that begins. */
export function nothingServed(): Served {
  const [seed] = crypto.getRandomValues(new BigInt64Array(1));
  return { seed, keys: [] };
}

/** The cursor after a page of posts with these keys; null where the feed ends. */
export function cursorAfter({ seed, keys }: Served, page: number[]): string | null {
  const served = [...keys, ...page];
  if (served.length >= servedAtMost) return null;
  const bytes = new DataView(new ArrayBuffer(header + keyBytes * served.length));
  bytes.setUint8(0, version);
  bytes.setBigInt64(1, seed);
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
  if (!Number.isInteger(count) || count < 1 || count >= servedAtMost || bytes.getUint8(0) !== version) return null;
  return {
    seed: bytes.getBigInt64(1),
    keys: Array.from({ length: count }, (_, i) => bytes.getUint32(header + keyBytes * i)),
  };
}

/** A part of an export that one machine makes: the i-th of n. */

export interface Shard {
  /** From 1. */
  number: number;
  of: number;
}

/** Everything. */
export const wholeExport: Shard = { number: 1, of: 1 };

/** Reads `i/n`; undefined where it is no part of a whole. */
export function parseShard(text: string): Shard | undefined {
  const [, number, of] = (/^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []).map(Number);
  return number >= 1 && number <= of ? { number, of } : undefined;
}

/** What the names of a shard's files have before their ending: nothing where it is everything. */
export function suffixOf({ number, of }: Shard): string {
  return of === 1 ? "" : `.${number}-of-${of}`;
}

/** Whether a row group of the whole export is this shard's: each takes one in turn. */
export function isOfShard(group: number, { number, of }: Shard): boolean {
  return group % of === number - 1;
}

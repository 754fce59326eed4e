/**
 * What one person may weigh of what a training learns from and the gate judges by: of each the latest, up to a bound a day and a share of all, so
 * that neither one account nor ten decide what everybody is shown.
 */
import { createHash } from "node:crypto";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { groupBy } from "../../models/nn/group-by.ts";

/**
 * The largest share of one person. The most active one in Travel has 0.041 of its last 6,000 requests and 0.030 of
 * its first interactions; of its first year, 0.077 of 2,528 and 0.081 of 7,585.
 */
const largestShare = 1 / 12;

/**
 * The largest share of one person in a day's pages, so that ten are at most a third of all others' pages. In the
 * synthetic community no person reaches it on any day.
 */
const largestShareOfDay = 1 / 40;

/**
 * Events that training reads of a person, the latest: 1/50 of all that it reads (trainingEvents). In Travel no
 * person did more than 6,562 things in six years.
 */
export const eventsOfPerson = 10_000;

/** How many of a person are taken. */
export interface PerUserCap {
  /** Of a day (UTC): so many, or the share of the day's, where that is less but for the least. */
  perDay: number;
  leastPerDay: number;
  /** And in all, where the share is of so little that it is less. */
  least: number;
}

/**
 * Of 77,245 days with interactions of a person in Travel 11 have more (0.09 % of all first interactions; 0.7 % of
 * its first year's), of 16,507 in the synthetic community none.
 */
const perDay = 20;

/** First interactions that the towers learn from. */
export const positivesCap: PerUserCap = { perDay, leastPerDay: perDay, least: 50 };

/** The same where time says nothing: people have rated 737 of MovieLens' films in one sitting. */
export const randomSplitCap: PerUserCap = {
  ...positivesCap,
  perDay: Number.POSITIVE_INFINITY,
  leastPerDay: Number.POSITIVE_INFINITY,
};

/** First interactions as requests of the ranker and of the gate. */
export const requestsCap: PerUserCap = { perDay, leastPerDay: perDay, least: 5 };

/**
 * Pages as such requests. Ten accounts that keep to the rate limits are shown 12,000 in ten minutes, and a small community has 20 on a day: of so few
 * three a person.
 */
export const pagesCap: PerUserCap = { perDay, leastPerDay: 3, least: 5 };

const day = 24 * hour;

/** Who did something, and when, in order of time. */
interface DeedTimes {
  users: ArrayLike<number>;
  /** Milliseconds since 1970. */
  at: ArrayLike<number>;
}

/** Numbers (ascending) of the latest `most` deeds of which everybody has no more than the bound lets them. */
export function capPerUser(
  { users, at }: DeedTimes,
  { perDay, leastPerDay, least }: PerUserCap,
  most = Number.POSITIVE_INFINITY,
): Uint32Array {
  const days = groupBy(
    Array.from(at, (_, i) => i),
    (i) => Math.floor(at[i] / day),
  );
  const inDay = [...days.values()].flatMap((ofDay) => {
    const share = boundOf(countsOf(ofDay, users), largestShareOfDay, leastPerDay);
    return latest(ofDay, users, Math.min(perDay, share));
  });
  const bound = boundOf(countsOf(inDay, users), largestShare, least, most);
  return Uint32Array.from(latest(inDay, users, bound).slice(-most));
}

/** Of some deeds (ascending) the latest of each person, so many at most. */
function latest(numbers: number[], users: ArrayLike<number>, bound: number): number[] {
  const taken = new Map<number, number>();
  return numbers
    .toReversed()
    .filter((i) => add(taken, users[i]) <= bound)
    .reverse();
}

function countsOf(numbers: number[], users: ArrayLike<number>): number[] {
  const counts = new Map<number, number>();
  for (const i of numbers) add(counts, users[i]);
  return [...counts.values()];
}

/**
 * Numbers (ascending) of `most` actions drawn by a hash of their keys, so that the draw repeats: one of each person
 * before a second of any, and `ofPerson` of each at most.
 */
export function samplePerUser(
  { users, keys }: { users: ArrayLike<number>; keys: string[] },
  ofPerson: number,
  most: number,
): Uint32Array {
  const hashes = keys.map((key) => createHash("sha256").update(key).digest("hex"));
  const byHash = [...keys.keys()].sort((a, b) => (hashes[a] < hashes[b] ? -1 : 1));
  const taken = new Map<number, number>();
  const drawn = byHash.map((i) => ({ i, number: add(taken, users[i]) })).filter(({ number }) => number <= ofPerson);
  drawn.sort((a, b) => a.number - b.number);
  return Uint32Array.from(drawn.slice(0, most), ({ i }) => i).sort();
}

/** How many people there are, and the share that the ten who did most have together. */
export function topTenUserShare(users: ArrayLike<number>): { number: number; ten: number } {
  const counts = new Map<number, number>();
  for (let i = 0; i < users.length; i++) add(counts, users[i]);
  const most = [...counts.values()].sort((a, b) => b - a).slice(0, 10);
  return { number: counts.size, ten: most.reduce((sum, count) => sum + count, 0) / users.length };
}

/** The number per person that keeps each below a share of all that is then taken. */
function boundOf(counts: number[], share: number, least: number, most = Number.POSITIVE_INFINITY): number {
  for (let bound = Number.POSITIVE_INFINITY; ; ) {
    const taken = counts.reduce((sum, count) => sum + Math.min(count, bound), 0);
    const lower = Math.max(least, Math.floor(share * Math.min(most, taken)));
    if (lower >= bound) return bound;
    bound = lower;
  }
}

function add(counts: Map<number, number>, key: number): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

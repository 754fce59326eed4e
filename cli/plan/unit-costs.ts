/** What one of each costs the database, by how many posts there are: printed by `npm run bench -- unit-costs` (docs/scaling.md says how it was measured). */

/** `processor` in milliseconds, `found` and `read` in pages of 8 kB, `bytes` stored; of a feed the bytes of its answer. */
export interface UnitCost {
  processor: number;
  found: number;
  read: number;
  bytes: number;
}

export interface UnitCosts {
  posts: number;
  feed: UnitCost;
  event: UnitCost;
  rollUp: UnitCost;
  /** `bytes` of a vector with its key and its part of the index; `indexBytes` the latter alone. */
  vector: UnitCost & { indexBytes: number };
  impression: UnitCost;
  /** Reading a community for a training: peak memory of the process, and its processor time. */
  training: { megabytes: number; seconds: number };
}

export const measured: readonly (UnitCosts & { interactions: number })[] = [
  {
    posts: 10000,
    interactions: 60000,
    feed: { processor: 13.4, found: 2750, read: 0.005, bytes: 10508 },
    event: { processor: 0.034, found: 34.4, read: 0.0174, bytes: 255 },
    rollUp: { processor: 0.38, found: 186, read: 0, bytes: 666 },
    vector: { processor: 0.78, found: 1610, read: 2.78, bytes: 687, indexBytes: 435 },
    impression: { processor: 0.029, found: 11.9, read: 0.0261, bytes: 568 },
    training: { megabytes: 334, seconds: 2 },
  },
  {
    posts: 100000,
    interactions: 600000,
    feed: { processor: 17.4, found: 6290, read: 175, bytes: 10489 },
    event: { processor: 0.052, found: 34.7, read: 1.52, bytes: 251 },
    rollUp: { processor: 0.3, found: 243, read: 7.4, bytes: 660 },
    vector: { processor: 1.88, found: 1910, read: 16.2, bytes: 676, indexBytes: 435 },
    impression: { processor: 0.028, found: 12.4, read: 0.0339, bytes: 569 },
    training: { megabytes: 660, seconds: 7 },
  },
  {
    posts: 1000000,
    interactions: 3000000,
    feed: { processor: 25, found: 5590, read: 4170, bytes: 10519 },
    event: { processor: 0.07, found: 33.8, read: 3.95, bytes: 249 },
    rollUp: { processor: 0.36, found: 270, read: 13.7, bytes: 693 },
    vector: { processor: 4.22, found: 1710, read: 944, bytes: 678, indexBytes: 434 },
    impression: { processor: 0.028, found: 11.9, read: 0.474, bytes: 565 },
    training: { megabytes: 1736, seconds: 26 },
  },
];

/** Milliseconds of a core for each of the first 2.1 million vectors of an index that is built in one go and fits into maintenance_work_mem. */
export const indexBuilding = 0.39;

type Numbers = { [key: string]: number | Numbers };

/** The costs at so many posts: between two measured sizes, and beyond them, on a straight line over the logarithm; of memory and time of a training over the posts themselves; of bytes of rows the most that was measured. */
export function costsOf(posts: number): UnitCosts {
  const next = measured.findIndex((each) => each.posts >= posts);
  const to = next < 0 ? measured.length - 1 : Math.max(1, next);
  const [low, high] = [measured[to - 1], measured[to]];
  const place = Math.max(0, Math.log(posts / low.posts) / Math.log(high.posts / low.posts));
  const linear = Math.max(0, (posts - low.posts) / (high.posts - low.posts));
  const costs = between(low, high, place);
  // a row takes as many bytes however many there are: what differs between the sizes is chance
  for (const name of ["event", "rollUp", "impression"] as const)
    costs[name] = { ...costs[name], bytes: Math.max(...measured.map((each) => each[name].bytes)) };
  return { ...costs, posts, training: between(low.training, high.training, linear) };
}

function between<Costs extends object>(low: Costs, high: Costs, place: number): Costs {
  const entries = Object.entries(low as unknown as Numbers).map(([key, a]) => {
    const b = (high as unknown as Numbers)[key];
    if (typeof a === "object" || typeof b === "object") return [key, between(a as object, b as object, place)];
    return [key, Math.max(0, a + (b - a) * place)];
  });
  return Object.fromEntries(entries);
}

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

/** What was measured; `indexed` posts were in the index, the most visited ones, as with settings.index_window_days. */
export const measured: readonly (UnitCosts & { interactions: number; indexed: number })[] = [
  {
    posts: 10000,
    indexed: 10000,
    interactions: 60000,
    feed: { processor: 13.5, found: 2670, read: 0.135, bytes: 10480 },
    event: { processor: 0.046, found: 34.5, read: 0.176, bytes: 255 },
    rollUp: { processor: 0.44, found: 225, read: 0.016, bytes: 656 },
    vector: { processor: 0.72, found: 1610, read: 1.7, bytes: 690, indexBytes: 435 },
    impression: { processor: 0.027, found: 11.4, read: 0.0159, bytes: 559 },
    training: { megabytes: 314, seconds: 1 },
  },
  {
    posts: 100000,
    indexed: 100000,
    interactions: 600000,
    feed: { processor: 17.6, found: 6490, read: 140, bytes: 10466 },
    event: { processor: 0.042, found: 34.6, read: 1.58, bytes: 250 },
    rollUp: { processor: 0.34, found: 290, read: 4.91, bytes: 659 },
    vector: { processor: 0.86, found: 1900, read: 12.6, bytes: 676, indexBytes: 435 },
    impression: { processor: 0.025, found: 12.3, read: 0.0579, bytes: 568 },
    training: { megabytes: 659, seconds: 7 },
  },
  {
    posts: 1000000,
    indexed: 1000000,
    interactions: 3000000,
    feed: { processor: 27.4, found: 5600, read: 4120, bytes: 10509 },
    event: { processor: 0.092, found: 34.6, read: 4.21, bytes: 249 },
    rollUp: { processor: 0.46, found: 328, read: 22.7, bytes: 693 },
    vector: { processor: 3.4, found: 1690, read: 919, bytes: 678, indexBytes: 434 },
    impression: { processor: 0.03, found: 11.9, read: 0.474, bytes: 559 },
    training: { megabytes: 1712, seconds: 26 },
  },
  {
    posts: 10000000,
    indexed: 1200000,
    interactions: 3000000,
    feed: { processor: 24.1, found: 4300, read: 5380, bytes: 10507 },
    event: { processor: 0.12, found: 38.6, read: 11.4, bytes: 249 },
    rollUp: { processor: 0.32, found: 205, read: 41.7, bytes: 813 },
    vector: { processor: 3.18, found: 1470, read: 1190, bytes: 674, indexBytes: 434 },
    impression: { processor: 0.034, found: 11.4, read: 1.04, bytes: 570 },
    training: { megabytes: 8488, seconds: 102 },
  },
];

/** Where all posts were in the index: what a search costs with fewer says nothing of more. */
const whole = measured.filter(({ posts, indexed }) => indexed === posts);
/** The largest of these; beyond it each figure goes on as between the last two. */
export const mostMeasured = whole[whole.length - 1].posts;

/** Milliseconds of a core for each of the first 3.2 million vectors of an index that is built in one go and fits into maintenance_work_mem. */
export const indexBuilding = 0.39;

type Numbers = { [key: string]: number | Numbers };

/**
 * The costs at so many posts, all of them in the index: between two measured sizes, and beyond them, on a straight line over the logarithm; of memory and time of a training over the posts
 * themselves; of bytes of rows the most that was measured.
 */
export function costsOf(posts: number): UnitCosts {
  const [low, high] = around(whole, posts);
  const costs = between(low, high, Math.max(0, Math.log(posts / low.posts) / Math.log(high.posts / low.posts)));
  // a row takes as many bytes however many there are: what differs between the sizes is chance
  for (const name of ["event", "rollUp", "impression"] as const)
    costs[name] = { ...costs[name], bytes: Math.max(...whole.map((each) => each[name].bytes)) };
  const [fewer, more] = around(measured, posts);
  const place = Math.max(0, (posts - fewer.posts) / (more.posts - fewer.posts));
  return { ...costs, posts, training: between(fewer.training, more.training, place) };
}

/** The two sizes next to so many posts. */
function around(sizes: readonly UnitCosts[], posts: number): [UnitCosts, UnitCosts] {
  const next = sizes.findIndex((each) => each.posts >= posts);
  const to = next < 0 ? sizes.length - 1 : Math.max(1, next);
  return [sizes[to - 1], sizes[to]];
}

function between<Costs extends object>(low: Costs, high: Costs, place: number): Costs {
  const entries = Object.entries(low as unknown as Numbers).map(([key, a]) => {
    const b = (high as unknown as Numbers)[key];
    if (typeof a === "object" || typeof b === "object") return [key, between(a as object, b as object, place)];
    return [key, Math.max(0, a + (b - a) * place)];
  });
  return Object.fromEntries(entries);
}

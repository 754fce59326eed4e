/** For tests: the tables of docs/scaling.md, made of the measured figures: a test holds the page to them. */
import { computeSizes } from "./compute-sizes.ts";
import { assumed, indexedPostsOf, leftWithReplica, neededBy } from "./plan.ts";
import { costsOf, measured, type UnitCost, type UnitCosts } from "./unit-costs.ts";

const row = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
const rule = (columns: number) => `|${"---|".repeat(columns)}`;
const count = (value: number) => Math.floor(value).toLocaleString("en");
const figure = (value: number) => Number(value.toPrecision(2)).toLocaleString("en");

/** What one of each costs at each measured size. */
export function unitCostsTable(): string {
  const of = (name: string, cost: (costs: UnitCosts) => UnitCost) =>
    row([
      name,
      ...measured.map((costs) => {
        const { processor, found, read, bytes } = cost(costs);
        return `${figure(processor)} ms, ${figure(found)} + ${figure(read)} pages, ${figure(bytes)} B`;
      }),
    ]);
  return [
    row(["one", ...measured.map(({ posts }) => `${count(posts)} posts`)]),
    rule(1 + measured.length),
    of("feed of 20 posts", ({ feed }) => feed),
    of("event", ({ event }) => event),
    of("roll-up of an event", ({ rollUp }) => rollUp),
    of("vector, with its part of the index", ({ vector }) => vector),
    of("impression", ({ impression }) => impression),
    row(["posts in the index", ...measured.map(({ indexed }) => count(indexed))]),
    row(["of a vector, the index", ...measured.map(({ vector }) => `${vector.indexBytes} B`)]),
    row([
      "reading for a training",
      ...measured.map(({ training: { seconds, megabytes } }) => `${seconds} s, ${count(megabytes)} MB`),
    ]),
  ].join("\n");
}

/** What each compute size carries, each resource by itself. */
export function carriesTable(): string {
  const middle = costsOf(1_000_000);
  return [
    row([
      "size",
      "cores, memory, disk",
      "feeds a second",
      "with a replica",
      "posts in the index",
      "feeds a day, logged for 6 months",
    ]),
    rule(6),
    ...computeSizes.map((size) => {
      const feeds = (1000 * assumed.fullAt.processor * size.cores) / middle.feed.processor;
      const logged =
        (assumed.fullAt.disk * size.disk * 1e9) /
        (assumed.impressionDays * assumed.feedLength * middle.impression.bytes);
      return row([
        size.name,
        `${size.cores}${size.isShared ? " shared" : ""}, ${size.memory} GB, ${size.disk.toLocaleString("en")} GB`,
        count(feeds),
        count(feeds / leftWithReplica),
        figure(indexedPostsAlone(size.memory)),
        figure(logged),
      ]);
    }),
  ].join("\n");
}

/** So many that vectors and index of all fill the memory, beside a user for every ten. */
function indexedPostsAlone(memory: number): number {
  const size = { name: "", cores: 1, isShared: false, memory, disk: 1 };
  let posts = 1e5;
  for (let step = 0; step < 40; step++) {
    const needs = neededBy({ users: posts / 10, posts, eventsPerDay: 1, feedsPerSecond: 1 });
    posts = Math.max(1, (posts + indexedPostsOf(size, needs, posts)) / 2);
  }
  return posts;
}

/** The plan of a community as text for the terminal. */
import { table } from "../../trainer/evaluation/report/table.ts";
import { type ComputeSize, sizesLookedUp } from "./compute-sizes.ts";
import {
  assumed,
  type Carried,
  type Figures,
  indexedPostsOf,
  leftWithReplica,
  type Needs,
  neededBy,
  planFor,
  type Resource,
  withFewerImpressions,
  withReplica,
} from "./plan.ts";
import { costsOf, mostMeasured } from "./unit-costs.ts";

export function planText(figures: Figures): string {
  const { users, posts, eventsPerDay, feedsPerSecond } = figures;
  const needs = neededBy(figures);
  const { all, smallest } = planFor(needs);
  const asked = `${count(users)} users, ${count(posts)} posts, ${count(eventsPerDay)} events a day, ${count(feedsPerSecond)} feeds a second`;
  const parts = [
    asked,
    sizesTable(all),
    `Used is the share of what a size has before it counts as full; ${smallest ? `${smallest.size.name} is the smallest that carries it` : "no size carries it"}.`,
    needsTable(needs),
    ["What stops first, and what to do then:", ...cures(figures, needs, smallest ?? all[all.length - 1])].join("\n"),
    ["Assumed:", ...assumptions(posts).map((line) => `- ${line}`)].join("\n"),
  ];
  return parts.join("\n\n");
}

export function sizesTable(all: Carried[]): string {
  return table(
    ["size", "cores", "memory", "disk", "processor used", "memory used", "disk used", "carries it"],
    all.map(({ size, used, first }) => [
      size.name,
      `${size.cores}${size.isShared ? " shared" : ""}`,
      `${size.memory} GB`,
      `${count(size.disk)} GB`,
      percent(used.processor),
      percent(used.memory),
      percent(used.disk),
      used[first] <= 1 ? "yes" : `no, ${first}`,
    ]),
  );
}

function needsTable({ processor, memory, disk, training }: Needs): string {
  const rows = Object.entries({ processor, memory, disk }).map(([resource, parts]) => {
    const unit = resource === "processor" ? "cores" : "GB";
    const total = Object.values(parts).reduce((a, b) => a + b, 0);
    const list = Object.entries(parts).map(([part, value]) => `${part} ${figure(value)}`);
    return [resource, `${figure(total)} ${unit}`, list.join(", ")];
  });
  const { memory: trainer, indexHours } = training;
  rows.push([
    "training",
    `${figure(trainer)} GB`,
    `on a machine of yours; the index takes ${figure(indexHours)} hours of a core, and several times that beyond 1.2 million posts`,
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return ["Needed:", ...rows.map(([a, b, c]) => `  ${a.padEnd(widths[0])}  ${b.padStart(widths[1])}  ${c}`)].join("\n");
}

/** The fullest first, each with its cure. */
function cures(figures: Figures, needs: Needs, { size, used }: Carried): string[] {
  const order = (Object.keys(used) as Resource[]).sort((a, b) => used[b] - used[a]);
  const lines = order.map(
    (resource, i) =>
      `${i + 1}. ${resource}, ${percent(used[resource])} of ${size.name}: ${cureOf[resource](figures, needs, size)}`,
  );
  const { memory } = needs.training;
  const trains =
    memory > assumed.trainingMemory ? "a machine with more memory, or the export by shards" : "none is needed";
  return [
    ...lines,
    `${order.length + 1}. training, ${figure(memory)} of ${assumed.trainingMemory} GB: ${trains} (docs/cluster.md).`,
    "All of them at once: a project of its own for the recommender, fed by logical replication (docs/scaling.md).",
  ];
}

const cureOf: Record<Resource, (figures: Figures, needs: Needs, size: ComputeSize) => string> = {
  processor(_, needs) {
    const { smallest } = planFor(withReplica(needs));
    return `a read replica leaves the primary ${leftWithReplica} of each feed; ${smallest ? `${smallest.size.name} then carries it` : "no size carries it then"} (docs/replicas.md).`;
  },
  memory({ posts }, needs, size) {
    const most = indexedPostsOf(size, needs, posts);
    return `fewer posts in the index: settings.index_window_days, with room for ${count(most)} (docs/scaling.md).`;
  },
  disk(_, needs) {
    const { impressions } = needs.disk;
    const fewer = withFewerImpressions(needs);
    const room = fewer
      ? `; ${fewer.size.name} carries all else and has room for ${count(fewer.days)} days of them`
      : "";
    return `impressions take ${figure(impressions)} GB of it${room}: settings.impressions_kept, or the archive (docs/scaling.md).`;
  },
};

export function assumptions(posts: number): string[] {
  const { peak, feedLength, fullAt, impressionDays, eventDays, models, base, userBytes } = assumed;
  const costs = costsOf(posts);
  return [
    `a feed costs the database ${figure(costs.feed.processor)} ms, an event with its roll-up ${figure(costs.event.processor + costs.rollUp.processor)} ms, an impression ${Math.round(costs.impression.bytes)} bytes, a vector ${Math.round(costs.vector.bytes)} bytes, of which the index ${Math.round(costs.vector.indexBytes)}`,
    `these were measured up to ${count(mostMeasured)} posts${posts > mostMeasured ? ", and go on as between the last two sizes where all are in the index" : ""}, on one x86 core; a core of Supabase's is taken for as fast`,
    `feeds a second are those of the busiest minutes, ${peak} times the mean of a day; so are events`,
    `a feed has ${feedLength} posts, and all are logged; impressions are kept ${impressionDays} days (settings.impressions_kept), events ${eventDays}`,
    `full are ${percent(fullAt.processor)} of the processor, ${percent(fullAt.memory)} of the memory, ${percent(fullAt.disk)} of the largest recommended database`,
    `the vectors of ${models} models are on the disk, those of one in memory; a user takes ${userBytes} bytes of each; ${base} GB are for sessions and the app's busiest tables`,
    `the sizes are Supabase's of ${sizesLookedUp}; shared cores reach this in bursts only; the app's own queries, texts and files come on top`,
  ];
}

const count = (value: number) => value.toLocaleString("en");
const percent = (share: number) => `${count(Math.round(100 * share))} %`;
const figure = (value: number) =>
  value >= 100 ? count(Math.round(value)) : value < 0.001 ? "0" : String(Number(value.toPrecision(2)));

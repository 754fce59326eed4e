/** What a report says of the data and of the training behind its figures. */
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import { provenanceSchema } from "../artifacts/model-folder/provenance.ts";
import { beforeTheirPost, firstInteractions } from "../data/replay/first-interactions.ts";
import type { LoadedCommunity } from "../data/replay/from-database.ts";
import type { PipelineOptions } from "../pipeline.ts";
import { qualityLine } from "../release/gate/held-out-quality.ts";
import { configDigest, defaultConfig, differencesOf } from "../training/config/config.ts";
import type { GivenModel } from "./given-models.ts";
import { countBelow } from "./metrics/statistics.ts";
import type { ReplayOptions, ReplayResult } from "./protocols/replay.ts";
import type { ReportExtras } from "./report/report.ts";

type About = NonNullable<ReportExtras["about"]>;

const count = (value: number) => value.toLocaleString("en");
const time = (at: number) => new Date(at).toISOString();

/** How much there is, from when, how much of it is the test, and what was left out of it. */
export function aboutData({ community }: LoadedCommunity, { testFrom }: ReplayOptions, results: ReplayResult[]): About {
  const { users, posts, interactions } = community;
  const { at } = interactions;
  const first = firstInteractions(posts, interactions);
  const tested = first.filter((i) => at[i] >= testFrom).length;
  const ofKind = kinds.map((kind, k) => `${count(interactions.kinds.filter((each) => each === k).length)} ${kind}s`);
  const { all, "cold users": cold, "posts > 7 days": old } = results[0].metrics;
  return [
    {
      title: "The data",
      facts: [
        ["users", count(users.ids.length)],
        ["posts", count(posts.ids.length)],
        ["interactions", `${count(at.length)}: ${ofKind.join(", ")}`],
        ["older than their post, left out", count(beforeTheirPost(community, Number.POSITIVE_INFINITY))],
        ["from, to", `${time(at[0])}, ${time(at[at.length - 1])}`],
        ["before the test", `${count(countBelow(at, testFrom))} interactions`],
        [
          "events of the test",
          `${count(all.lists)} of ${count(tested)} first interactions, ${count(cold.lists)} of cold users, ${count(old.lists)} with posts of more than 7 days`,
        ],
      ],
    },
  ];
}

/** What is trained for the evaluation. */
export function aboutTraining({ config = defaultConfig, seed, scoreWeights }: PipelineOptions): About[number] {
  return {
    title: "The training",
    facts: [["seed", `${seed}`], ...factsOf(differencesOf(config), configDigest(config), scoreWeights)],
  };
}

/** What a model says of its own training. */
export function aboutModel({ name, label, learnedUntil, metrics }: GivenModel): About[number] {
  const { seed, backend, trained_at, learned_from, seconds, started_from, held_out } = metrics as Partial<
    Record<string, never>
  >;
  const parsed = provenanceSchema.safeParse(metrics);
  const said = Object.entries({
    name,
    trained: trained_at,
    "learned until": time(learnedUntil),
    "learned from": learned_from,
    "went on from": started_from,
    seed,
    backend,
    seconds: typeof seconds === "number" ? (seconds as number).toFixed(0) : undefined,
  }).flatMap(([fact, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[fact, `${value}`]],
  );
  if (held_out) said.push(["in training", qualityLine(held_out)]);
  if (!parsed.success) return { title: `Model ${label}`, facts: said };
  const { config, config_digest, score_weights, data, versions } = parsed.data;
  const { users, posts, interactions, digest } = data;
  return {
    title: `Model ${label}`,
    facts: [
      ...said,
      ["its data", `${count(users)} users, ${count(posts)} posts, ${count(interactions)} interactions`],
      ["digest of its data", digest],
      ...factsOf(config, config_digest, score_weights),
      [
        "versions",
        Object.entries(versions)
          .map((version) => version.join(" "))
          .join(", "),
      ],
    ],
  };
}

function factsOf(differences: Record<string, unknown>, digest: string, scoreWeights: number[]): [string, string][] {
  const changed = Object.entries(differences).map(([path, value]): [string, string] => [path, JSON.stringify(value)]);
  return [
    ...(changed.length > 0 ? changed : [["config", "defaults"] as [string, string]]),
    ["digest of the config", digest],
    ["weights of view, vote, comment", scoreWeights.join(", ")],
  ];
}

/** What a model says of where it comes from, among its metrics: config, data, weights of the score, versions. */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { z } from "zod";
import { beforeTheirPost } from "../../data/replay/first-interactions.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import { countBelow } from "../../evaluation/metrics/statistics.ts";
import { type Config, configDigest, differencesOf } from "../../training/config/config.ts";

export const provenanceSchema = z.object({
  /** Hyperparameters that are not the defaults, by path. */
  config: z.record(z.string(), z.unknown()),
  /** Of all of them. */
  config_digest: z.string(),
  data: z.object({
    users: z.number(),
    posts: z.number(),
    /** That were read: at most the latest 500,000 events and what these need. */
    interactions: z.number(),
    /** Of them those that are older than their post, and so teach nothing. */
    before_their_post: z.number(),
    last_interaction: z.iso.datetime().nullable(),
    /** The same for the same users, posts, texts and events of the same community, as far as they were read. */
    digest: z.string(),
  }),
  /** recsys.settings: what a view, a vote and a comment are worth to the listwise loss, and not to the feed alone. */
  score_weights: z.array(z.number()),
  versions: z.object({ recsys: z.string(), tfjs: z.string(), node: z.string() }),
});
type Provenance = z.output<typeof provenanceSchema>;

const require = createRequire(import.meta.url);

/** Where a model comes from that learned from a community before an instant (milliseconds). */
export function provenanceOf(
  loaded: LoadedCommunity,
  communityId: string,
  { config, scoreWeights, learnedUntil }: { config: Config; scoreWeights: number[]; learnedUntil: number },
): Provenance {
  return {
    config: differencesOf(config),
    config_digest: configDigest(config),
    data: dataOf(loaded, communityId, learnedUntil),
    score_weights: scoreWeights,
    versions: {
      recsys: require("../../../package.json").version,
      tfjs: require("@tensorflow/tfjs-core/package.json").version,
      node: process.versions.node,
    },
  };
}

/** What there was before an instant: all columns are in order of time. */
function dataOf({ community, timeline }: LoadedCommunity, communityId: string, until: number): Provenance["data"] {
  const { users, posts, interactions } = community;
  const count = {
    users: countBelow(users.createdAt, until),
    posts: countBelow(posts.createdAt, until),
    interactions: countBelow(interactions.at, until),
  };
  return {
    users: count.users,
    posts: count.posts,
    interactions: count.interactions,
    before_their_post: beforeTheirPost(community, until),
    last_interaction: count.interactions > 0 ? new Date(interactions.at[count.interactions - 1]).toISOString() : null,
    digest: dataDigest({ community, timeline }, communityId, until),
  };
}

/** A digest of the data before an instant: users, posts, texts, events, and the community. */
export function dataDigest(
  { community, timeline }: Pick<LoadedCommunity, "community" | "timeline">,
  communityId: string,
  until: number,
): string {
  const { users, posts } = community;
  const [people, written] = [countBelow(users.createdAt, until), countBelow(posts.createdAt, until)];
  const events = countBelow(timeline.at.subarray(0, timeline.length), until);
  const hash = createHash("sha256").update(communityId);
  const texts = (...columns: unknown[][]) => hash.update(JSON.stringify(columns));
  texts(...[users.ids, users.passions, users.projects, users.bios].map((column) => column.slice(0, people)));
  texts(...[posts.ids, posts.titles, posts.descriptions, posts.tags].map((column) => column.slice(0, written)));
  for (const column of [timeline.users, timeline.posts, timeline.kinds, timeline.weights, timeline.at])
    hash.update(new Uint8Array(column.slice(0, events).buffer));
  return hash.digest("hex");
}

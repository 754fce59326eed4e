import { Random } from "../../models/nn/random.ts";
import type { LoadedCommunity } from "../replay/from-database.ts";
import { topics } from "./topics.ts";

/** How much a purchase weighs; a like weighs 1. */
const purchase = 5;
const sellable = new Set(topics.filter((_, i) => i % 3 === 0).map(({ name }) => name));
const vote = 1;

/** Whether a post of a synthetic community is of a topic of which things are bought: every third one. */
export function sells(tags: string[]): boolean {
  return tags.some((tag) => sellable.has(tag));
}

/** Makes nine of ten votes for posts that sell purchases, and one of ten of the others. */
export function weighPurchases({ community, timeline }: LoadedCommunity, seed: number): void {
  const random = new Random(seed);
  for (let event = 0; event < timeline.length; event++) {
    if (timeline.kinds[event] !== vote) continue;
    const share = sells(community.posts.tags[timeline.posts[event]]) ? 0.9 : 0.1;
    if (random.uniform() < share) timeline.weights[event] = purchase;
  }
}

/** How long a feed takes now, stage by stage. */
import type { FeedServices } from "../recommend/seams.ts";
import { previewOf } from "./feed-with-candidates.ts";

export interface Latency {
  stage: string;
  /** Over the feeds measured. */
  median_ms: number;
  slowest_ms: number;
  feeds: number;
}

/** Makes a feed for each of these users, one after another, and says how long each stage took; the first, which may load a model, does not count. */
export async function latency(services: FeedServices, userIds: string[]): Promise<Latency[]> {
  const took = new Map<string, number[]>();
  const add = (stage: string, milliseconds: number) => {
    took.set(stage, [...(took.get(stage) ?? []), milliseconds]);
  };
  for (const [i, userId] of [userIds[0], ...userIds].entries()) {
    if (userId === undefined) break;
    const begun = performance.now();
    await previewOf(services, userId, 20, (stage) => {
      const begun = performance.now();
      return () => {
        if (i > 0) add(stage, performance.now() - begun);
      };
    });
    if (i > 0) add("a feed", performance.now() - begun);
  }
  return Array.from(took, ([stage, each]) => {
    const sorted = each.sort((a, b) => a - b);
    return {
      stage,
      median_ms: sorted[Math.floor(sorted.length / 2)],
      slowest_ms: sorted[sorted.length - 1],
      feeds: sorted.length,
    };
  });
}

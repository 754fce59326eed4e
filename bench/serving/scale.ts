/** The same feeds in a community ten times as large. */
import type { ServedCommunity } from "./community.ts";
import { type FeedTimes, feedFinding, timeFeeds } from "./feed.ts";
import type { Finding } from "./figure.ts";

export async function measureScale(
  large: ServedCommunity,
  small: FeedTimes,
  sizes: { large: string; small: string },
  requests: number,
  folder: string,
): Promise<Finding> {
  const times = await timeFeeds(large, requests, folder);
  const { figures, details } = feedFinding(times, sizes.large);
  return {
    figures: [
      ...figures,
      {
        what: `median of ${sizes.large}`,
        value: times.http.median,
        unit: "ms",
        floor: { what: `median of ${sizes.small}`, value: small.http.median },
      },
    ],
    details: { "seconds to make it up": large.seconds, ...details },
  };
}

/** A post of a feed, and which feed that was. */
import type { Feed, FeedItem } from "../../client/src/index.ts";

export type Item = FeedItem & {
  /** The feed it came in, and what that was made from. */
  request_id: string;
  basis: Feed["basis"];
};

import type { SettledPost, WrittenPost } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { Community } from "../../community/community.ts";

/** A post of an evaluation: its number in the community with it, for those that know it by its vector. */
export interface NumberedPost extends WrittenPost {
  post: number;
}

/** Whatever says how many people a post will reach. */
export interface AudienceForecaster {
  name: string;
  /** Learns from the posts whose week was over at an instant, in order of time; `community` ends there. */
  train(posts: (NumberedPost & SettledPost)[], community: Community, until: number): void | Promise<void>;
  /** Told of each later post as soon as its week is over. */
  add(post: NumberedPost & SettledPost): void;
  /** People within 7 days, on any scale that orders posts. */
  forecast(post: NumberedPost): number;
}

/** Rankings that need no training. */
import { decay } from "../../../supabase/functions/_shared/features/decay.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { recencyBaseline as recencyScore } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { Follows } from "../../data/replay/community.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";

/** The post with the latest activity first: any interaction, or the post's own creation. */
export function lastActive({ posts }: Sizes): Recommender {
  const lastActiveAt = new Float64Array(posts);
  return {
    name: "last active",
    observe(event) {
      lastActiveAt[event.post] = event.at;
    },
    scores: (_user, _at, out) => out.set(lastActiveAt),
  };
}

/** The newest post first: what most communities show. */
export function mostRecent({ posts }: Sizes): Recommender {
  const createdAt = new Float64Array(posts);
  return {
    name: "most recent",
    observe(event) {
      if (event.type === "post") createdAt[event.post] = event.at;
    },
    scores: (_user, _at, out) => out.set(createdAt),
  };
}

/** The post with the most interactions first; with a half-life (in hours) each interaction counts less as it ages. */
export function popularity({ posts }: Sizes, halfLifeHours = Number.POSITIVE_INFINITY): Recommender {
  /** Decayed as of `countedAt`. */
  const counts = new Float64Array(posts);
  const countedAt = new Float64Array(posts);
  const countAt = (post: number, at: number) =>
    counts[post] === 0 ? 0 : decay(counts[post], at - countedAt[post], halfLifeHours * hour);
  return {
    name: Number.isFinite(halfLifeHours) ? `popularity, ${halfLifeHours / 24}-day half-life` : "popularity",
    observe(event) {
      if (event.type !== "interaction") return;
      counts[event.post] = countAt(event.post, event.at) + 1;
      countedAt[event.post] = event.at;
    },
    scores(_user, at, out) {
      for (let post = 0; post < out.length; post++) out[post] = countAt(post, at);
    },
  };
}

/** The post that most followed people interacted with, at any time; of equals the more popular one. */
export function followedTouched(
  { users, posts }: Sizes,
  { users: followers, people, at: since }: Follows,
): Recommender {
  const popular = new Float64Array(posts);
  const postsOf = Array.from({ length: users }, () => new Set<number>());
  return {
    name: "touched by the followed",
    observe(event) {
      if (event.type !== "interaction") return;
      popular[event.post]++;
      postsOf[event.user].add(event.post);
    },
    scores(user, at, out) {
      // less than one person
      const most = 1 + popular.reduce((a, b) => Math.max(a, b), 0);
      for (let post = 0; post < posts; post++) out[post] = popular[post] / most;
      for (const [i, person] of people.entries())
        if (followers[i] === user && since[i] <= at) for (const post of postsOf[person]) out[post]++;
    },
  };
}

/** −log(1 + hours since the last activity) − ¼ log(1 + age in hours): the simple ranking to beat. */
export function recencyBaselineRecommender(): Recommender {
  const posts: { created_at: number; last_active_at: number }[] = [];
  return {
    name: "recency baseline",
    observe(event) {
      if (event.type === "post") posts[event.post] = { created_at: event.at, last_active_at: event.at };
      if (event.type === "interaction" && posts[event.post]) posts[event.post].last_active_at = event.at;
    },
    scores(_user, at, out) {
      for (const [i, post] of posts.entries()) out[i] = recencyScore(post.created_at, post.last_active_at, at);
    },
  };
}

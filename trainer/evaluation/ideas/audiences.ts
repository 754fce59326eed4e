import { audienceWindow } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { Community } from "../../community/community.ts";

/** How many distinct people other than its author did something with each post within 7 days of its creation. */
export function audiencesOf({ posts, interactions }: Pick<Community, "posts" | "interactions">): Int32Array {
  const { users, posts: touched, at } = interactions;
  const people = new Int32Array(posts.ids.length);
  const counted = new Set<number>();
  for (const [i, post] of touched.entries()) {
    const age = at[i] - posts.createdAt[post];
    if (age < 0 || age > audienceWindow || users[i] === posts.authors[post]) continue;
    const pair = users[i] * people.length + post;
    if (counted.has(pair)) continue;
    counted.add(pair);
    people[post]++;
  }
  return people;
}

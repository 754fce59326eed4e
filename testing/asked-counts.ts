/** For tests: "12 new posts" under the policies of the moment. */
import assert from "node:assert/strict";
import type { NewPosts } from "../supabase/functions/_shared/recommend/request/count-new-posts.ts";
import type { Feed } from "../supabase/functions/_shared/recommend/request/feed-schema.ts";
import type { TestApp } from "../supabase/functions/testing.ts";
import { type Asked, eligible } from "./allowed-answers.ts";
import { tally } from "./occurred.ts";
import type { Client } from "./random-policies.ts";
import { anyFilter, pick } from "./random-values.ts";

const day = 86_400_000;

/** Asks how many are new since any instant: as many as there are that might be shown, of seven days at most. Returns how many. */
export async function askCount(owner: Client, app: TestApp<Feed>, asked: Asked): Promise<number> {
  const { random, caller, people, facts, now } = asked;
  const filter = anyFilter(random, people);
  const since = Math.round(
    now - day * pick(random, [random.uniform(), 7 * random.uniform(), 7 * random.uniform(), 400]),
  );
  const request = { count_since: new Date(since).toISOString(), ...(filter && { filter }) };
  const { status, body } = await (caller.sub ? app.call(caller.sub, request) : app.visit(request));
  assert.equal(status, 200, JSON.stringify(body));
  const from = Math.max(since, now - 7 * day);
  const { rows } = await owner.query(
    `select post_id from public.post_views where user_id = $1 and created_at > $2 union select post_id from public.post_votes where user_id = $1 and created_at > $2
     union select post_id from public.comments where user_id = $1 and created_at > $2 union select post_id from recsys.dismissals where user_id = $1 and created_at > $2`,
    [caller.sub ?? null, new Date(from).toISOString()],
  );
  // posts that a user interacted with since are new to them
  const known = facts.feed === "impersonal" ? new Set<string>() : new Set(rows.map(({ post_id }) => post_id));
  const isFollowed = ({ author_id, tags }: (typeof asked.posts)[number]) =>
    facts.followed.people.has(author_id ?? "") || tags.some((tag) => facts.followed.topics.has(tag.toLowerCase()));
  // a feed of follows leaves out all that was ever dismissed
  const isOfFollows = facts.feed === "following";
  const leftOut = isOfFollows ? new Set([...facts.known, ...known]) : known;
  const found = eligible(asked, filter, leftOut).filter(
    (post) => post.created_at > from && (!isOfFollows || isFollowed(post)),
  ).length;
  const { new_posts, has_more } = body as unknown as NewPosts;
  const what = `new posts ${JSON.stringify(request)} of a feed that is ${facts.feed}`;
  assert.deepEqual([new_posts, has_more], [Math.min(99, found), found > 99], what);
  tally(
    asked,
    "new posts that nobody may be told of",
    asked.posts.filter((post) => post.created_at > from).length - found,
  );
  return new_posts;
}

/** For tests: feeds of the function, under the policies, promotions, groups and preferences of the moment. */
import assert from "node:assert/strict";
import { wordsOf } from "../supabase/functions/_shared/features/documents.ts";
import type { Feed, FeedItem } from "../supabase/functions/_shared/recommend/request/feed-schema.ts";
import type { TestApp } from "../supabase/functions/testing.ts";
import { type Asked, eligible } from "./allowed-answers.ts";
import {
  haveOneTitle,
  isOf,
  isOneConversation,
  linkOf,
  type OpenPromotion,
  promotable,
  promotionsTo,
  repostsTo,
} from "./allowed-wishes.ts";
import { tally } from "./occurred.ts";
import { assertFollows } from "./preferences.ts";
import type { Client, PolicyPost } from "./random-policies.ts";
import { anyFilter, pick } from "./random-values.ts";

/** A worker that could not ask for conversations asks again ten seconds later. */
let linksKnownFrom = 0;

/** Asks for a page of any length; returns how many posts it has. */
export async function askFeed(
  owner: Client,
  app: TestApp<Feed>,
  asked: Asked,
  assertHolds: (answered: string[], expected: { id: string }[], least: number, what: string) => void,
): Promise<number> {
  const { random, caller } = asked;
  const [filter, limit] = [anyFilter(random, asked.people), pick(random, [1, 5, 20, 20, 100])];
  const mode = random.below(4) === 0 ? "batch" : "live";
  const request = { limit, mode, ...(filter && { filter }), interests: random.below(2) === 0 ? ["chess"] : [] };
  const promotions = await promotionsTo(owner, asked);
  const { status, body } = await (caller.sub ? app.call(caller.sub, request) : app.visit(request));
  await app.settled();
  if (app.logged.some(({ code }) => code === "conversations_failed")) linksKnownFrom = performance.now() + 10_000;
  app.logged.length = 0;
  assert.equal(status, 200, JSON.stringify(body));
  const what = `function ${JSON.stringify({ filter, mode, limit })}`;
  assertTitles(asked, body.items, what);
  assert.equal(body.basis === "follows", asked.facts.feed === "following", what);
  const ids = body.items.map(({ post_id }) => post_id);
  const folded = body.items.reduce((sum, { folded = 0 }) => sum + folded, 0);
  const { items } = body;
  // lists made ahead, fallbacks and feeds of follows have none
  const isRanked = body.basis !== "follows" && body.mode === "live" && body.degraded !== "community";
  const pinned = new Set(items.flatMap(({ post_id, why }) => (why.kind === "promoted" ? [post_id] : [])));
  assert.ok(isRanked || items.every(({ promoted }) => promoted === undefined), `${what}: promoted`);
  const isRepost = isRanked ? repostsTo(asked) : () => false;
  // what was only seen may be pinned
  const allowed = [
    ...eligible(asked, filter),
    ...eligible(asked, filter, asked.facts.known).filter(({ id }) => pinned.has(id) && asked.facts.excluded.has(id)),
  ];
  const may = allowed.filter((post) => !isRepost(post));
  tally(asked, "reposts left out", allowed.length - may.length);
  for (const { post_id, title, promoted } of items) {
    const post = asked.posts.find(({ id }) => id === post_id) as PolicyPost;
    assert.ok(!isRepost({ ...post, title }), `${what}: ${title} is a repost, promoted as ${promoted}`);
  }
  if (body.basis === "follows") assertFollows(items, may, asked.facts.followed, limit, what);
  else assertHolds(ids, may, body.mode === "live" ? Math.min(limit, may.length - folded) : 1, what);
  assert.ok(ids.length + folded <= may.length, `${what}: ${ids.length} and ${folded} folded of ${may.length}`);
  if (!isRanked) return items.length;
  assertPromoted(asked, items, promotions, what);
  assertPinned(asked, pinned, promotions, { filter, limit, isRepost }, what);
  assertConversations(asked, items, may, what);
  await tallyGroups(owner, asked, items);
  return items.length;
}

/** Each title is what its reader is shown of it, and so is that of a post by which a reason explains another, and the words that one names. */
export function assertTitles(
  asked: Pick<Asked, "posts" | "occurred">,
  items: Pick<FeedItem, "post_id" | "title" | "why">[],
  what: string,
): void {
  const posts = new Map(asked.posts.map((post) => [post.id, post]));
  const assertTitle = (id: string, title: string) => {
    const post = posts.get(id);
    if (post) assert.equal(title, post.title, `${what}: ${id}`);
    if (post?.is_masked) tally(asked, "titles that their reader may not read", 1);
  };
  for (const { post_id, title, why } of items) {
    assertTitle(post_id, title);
    if (why.kind === "like_your_history") assertTitle(why.post_id, why.title);
    const post = posts.get(post_id);
    if (why.kind === "shared_terms" && post)
      for (const term of why.terms) assert.ok(wordsOf(post).includes(term), `${what}: ${post_id} does not say ${term}`);
  }
}

/** What is said to be promoted is, to this caller and now; and who has a place is said to have it. */
function assertPromoted(asked: Asked, items: FeedItem[], promotions: OpenPromotion[], what: string): void {
  const posts = new Map(asked.posts.map((post) => [post.id, post]));
  for (const { post_id, promoted, why } of items) {
    const isPinned = why.kind === "promoted";
    const post = posts.get(post_id) as PolicyPost;
    const open = promotions.filter((each) => isOf(each, post, asked.now) && (each.place !== null) === isPinned);
    if (promoted === undefined) {
      assert.ok(!isPinned, `${what}: promoted as what?`);
      assert.ok(!open.some((each) => each.post_id !== null), `${what}: ${post_id} has a factor and does not say so`);
      continue;
    }
    const by = open.find(({ name }) => name === promoted);
    assert.ok(by, `${what}: ${post_id} is not promoted to them as ${promoted}`);
    tally(asked, `${isPinned ? "pinned" : "weighed"} by its ${by.filter ? "filter" : "id"}`, 1);
  }
}

/** What is pinned by its id, and may be shown, is on the page as far as others that want its place leave one. */
function assertPinned(
  asked: Asked,
  pinned: Set<string>,
  promotions: OpenPromotion[],
  {
    filter,
    limit,
    isRepost,
  }: { filter: ReturnType<typeof anyFilter>; limit: number; isRepost(post: PolicyPost): boolean },
  what: string,
): void {
  const pins = promotions.filter(({ place }) => place !== null);
  for (const pin of pins) {
    const [post] = pin.filter ? [] : promotable(asked, pin, filter);
    const isHere = post && !isRepost(post) && (pin.place as number) + pins.length <= limit;
    // or another of its conversation is
    const isPinned =
      post &&
      asked.posts.some((other) => pinned.has(other.id) && (other.id === post.id || isOneConversation(other, post)));
    if (isHere) assert.ok(isPinned, `${what}: ${post.id} is pinned to place ${pin.place}`);
    if (pin.filter === null && !post) tally(asked, "a pin that its reader may not be shown", 1);
  }
}

/** Of one conversation there is one, which has the others. */
function assertConversations(asked: Asked, items: FeedItem[], may: PolicyPost[], what: string): void {
  const posts = new Map(asked.posts.map((post) => [post.id, post]));
  // with the title that the feed has, which may be that of a moment ago
  const shown = items.map(({ post_id, title }) => ({ ...(posts.get(post_id) as PolicyPost), title }));
  const isOne = performance.now() < linksKnownFrom ? haveOneTitle : isOneConversation;
  // a feed may still know these by the titles that they had
  const edited = may.filter(({ title }) => !/^post \d/i.test(title)).length;
  for (const [i, above] of shown.entries()) {
    const others = may.filter((post) => post.id !== above.id && isOneConversation(above, post));
    const { folded = 0 } = items[i];
    assert.ok(folded <= others.length + edited, `${what}: ${folded} are folded into ${above.id}, of ${others.length}`);
    if (linkOf(above) && items[i].folded) tally(asked, "folded, with a link", folded);
    for (const below of shown.slice(i + 1))
      assert.ok(!isOne(above, below), `${what}: ${below.id} is one conversation with ${above.id}`);
    if (items[i].folded && others.some(({ created_at }) => created_at < above.created_at))
      tally(asked, "an older post folded into a newer", 1);
  }
}

/** Counts pages that small groups, or shares of groups, had part in. */
async function tallyGroups(owner: Client, asked: Asked, items: FeedItem[]): Promise<void> {
  const { rows } = await owner.query(
    "select group_share < 1 as is_shared, case when group_floor > 0 then recsys_engine.small_group_posts(group_by) else '{}' end as small from recsys.settings",
  );
  const [{ is_shared, small }] = rows;
  if (is_shared && items.length > 0) tally(asked, "pages in shares of groups", 1);
  tally(asked, "posts of small groups", items.filter(({ post_id }) => small.includes(post_id)).length);
}

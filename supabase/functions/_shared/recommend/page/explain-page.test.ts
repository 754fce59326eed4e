import assert from "node:assert/strict";
import { test } from "node:test";
import { type Source, sourceNames } from "../../features/retrieval.ts";
import type { ContextRow } from "../context/read-context.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { ScoredPost } from "../scoring/score.ts";
import { explainPage, primarySource, reasonOfSource } from "./explain-page.ts";

const none = Object.fromEntries(sourceNames.map((source) => [source, null])) as Record<Source, null>;

test("the source that ranks a post best is its source", () => {
  assert.equal(primarySource({ ...none, active: 7, fresh: 3, similar: 120 }), "fresh");
  assert.equal(primarySource({ ...none, trending: 9 }), "trending");
});

test("of equal ranks the one that says more wins", () => {
  assert.equal(primarySource({ ...none, similar: 1, active: 1, fresh: 1, trending: 1, followed: 1 }), "similar");
  assert.equal(primarySource({ ...none, active: 2, fresh: 2, trending: 2, followed: 2 }), "followed");
  assert.equal(primarySource({ ...none, active: 4, fresh: 4 }), "active");
});

test("followed users are named where their interaction found the post; a source alone names no user", () => {
  const found = { post_id: "a", title: "A", tags: [], hash: 0, author_id: null, embedding: null, touchers: ["b", "c"] };
  const unfollowed = { follows_author: false, followed_topic: null };
  const context = { history_posts: [], recent_interactions: [] } as Partial<ContextRow> as ContextRow;
  const reasonOf = (ranks: { [of in Source]?: number }) => {
    const post = { ...found, ...unfollowed, ranks: { ...none, ...ranks } } as unknown as PostCandidate;
    const chosen = { post, rankBy: () => null } as unknown as ScoredPost;
    return explainPage([{ chosen, explored: false, propensity: 1, drawn: false }], [post], context, [])[0];
  };
  assert.deepEqual(reasonOf({ touched: 2, fresh: 3 }), { kind: "touched", people: ["b", "c"] });
  assert.deepEqual(reasonOf({ touched: 3, fresh: 2 }), { kind: "fresh" });
  assert.deepEqual(reasonOfSource("touched", null), { kind: "touched", people: [] });
});

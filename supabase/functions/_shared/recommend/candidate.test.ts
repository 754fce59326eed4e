import assert from "node:assert/strict";
import { test } from "node:test";
import { quietPost } from "../features/ranker-features.ts";
import { unranked } from "../features/retrieval.ts";
import { candidateOf } from "./candidate.ts";

test("a text that is told again is in the lists of the first time, and one that was changed is as it is now", () => {
  const known = { state: quietPost, embedding: null };
  const of = (title: string, tags: string[]) =>
    candidateOf(
      { post_id: "1", title, tags, author_id: null, created_at: 0 },
      known,
      { ranks: unranked(), author_affinity: 0, follows_author: false, touches: 0, served_key: 1 },
      null,
    );
  const first = of("Tea", ["green"]);
  assert.equal(of("Tea", ["green"]).tags, first.tags);
  for (const [title, tags] of [
    ["Coffee", ["green"]],
    ["Coffee", ["black"]],
    ["Coffee", ["black", "strong"]],
    ["Coffee", []],
  ] as const) {
    const changed = of(title, [...tags]);
    assert.deepEqual([changed.title, changed.tags], [title, tags]);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../../trainer/engine/random.ts";
import { halfLives } from "../features/decay.ts";
import { dimensions } from "../features/history.ts";
import { kinds } from "../features/kinds.ts";
import { type PostState, quietPost } from "../features/ranker-features.ts";
import { type KnownPost, openPostRows } from "./post-rows.ts";

const random = new Random(1);
const vector = () => Float32Array.from({ length: dimensions }, () => random.normal());

function anyPost(): KnownPost {
  const time = () => (random.below(3) === 0 ? null : 1_700_000_000_000 + random.below(2 ** 31));
  const state = {
    ...quietPost,
    last_active_at: time(),
    kind: [null, ...kinds][random.below(4)],
    views: random.below(3) * 2 ** 29,
    votes: random.below(100),
    comments: random.below(2),
    participants: random.below(2),
    last_comment_at: time(),
    recent: halfLives.map(() => random.below(2) * random.uniform()),
  };
  return { state: random.below(10) === 0 ? quietPost : state, embedding: vector() };
}

test("what is kept is found as it was, by whoever asks for it", () => {
  const rows = openPostRows(50, true);
  const posts = Array.from({ length: 50 }, anyPost);
  for (const [i, post] of posts.entries()) rows.keep(`post ${i}`, post);
  assert.ok(rows.isFull());
  assert.deepEqual(
    posts.map((_, i) => rows.of(`post ${i}`)),
    posts,
  );
  assert.equal(rows.of("post 50"), undefined);
  rows.forget("post 7");
  assert.equal(rows.of("post 7"), undefined);
});

test("what a feed found stays as it is when the post is kept anew", () => {
  const rows = openPostRows(3, true);
  const [first, second] = [anyPost(), anyPost()];
  rows.keep("post", first);
  const found = rows.of("post");
  rows.keep("post", second);
  assert.deepEqual([found, rows.of("post")], [first, second]);
});

test("without a model no post has a vector; with one a post without is not kept", () => {
  for (const hasVectors of [true, false]) {
    const rows = openPostRows(3, hasVectors);
    const post = { ...anyPost(), embedding: null };
    rows.keep("post", post);
    assert.deepEqual(rows.of("post"), hasVectors ? undefined : post);
  }
});

test("a state that is no row of numbers is not kept", () => {
  for (const odd of [
    { last_active_at: Number.NaN },
    { last_comment_at: Number.POSITIVE_INFINITY },
    { kind: "another" },
    { views: undefined },
    { recent: [1] },
    { recent: null },
    { recent: [Number.NaN, 0, 0, 0, 0] },
    { recent: ["-Infinity", 0, 0, 0, 0] },
  ]) {
    const rows = openPostRows(3, true);
    rows.keep("post", { state: { ...quietPost, ...odd } as PostState, embedding: vector() });
    assert.equal(rows.of("post"), undefined, JSON.stringify(odd));
  }
});

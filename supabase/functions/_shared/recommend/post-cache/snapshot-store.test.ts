import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../../../trainer/models/nn/random.ts";
import { halfLives } from "../../features/decay.ts";
import { dimensions } from "../../features/history.ts";
import { kinds } from "../../features/kinds.ts";
import { emptyPostState, type PostState } from "../../features/ranker-features.ts";
import { vectorWidth } from "../../features/text-vector.ts";
import { createPostSnapshotStore, type PostSnapshot } from "./snapshot-store.ts";

const random = new Random(1);
const vector = () => Float32Array.from({ length: dimensions }, () => random.normal());

function anyPost(): PostSnapshot {
  const time = () => (random.below(3) === 0 ? null : 1_700_000_000_000 + random.below(2 ** 31));
  const state = {
    ...emptyPostState,
    last_active_at: time(),
    kind: [null, ...kinds][random.below(4)],
    views: random.below(3) * 2 ** 29,
    votes: random.below(100),
    comments: random.below(2),
    participants: random.below(2),
    last_comment_at: time(),
    recent: halfLives.map(() => random.below(2) * random.uniform()),
  };
  return { state: random.below(10) === 0 ? emptyPostState : state, embedding: vector(), components: null };
}

const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];

test("what is kept is found as it was, by whoever asks for it", () => {
  const rows = createPostSnapshotStore(true, 8, 10);
  const posts = new Map(Array.from({ length: 50 }, () => [crypto.randomUUID(), anyPost()]));
  for (const [id, post] of posts) rows.keep(id, post);
  for (const [id, post] of posts) assert.deepEqual(rows.of(id), post);
  assert.equal(rows.of(first), undefined);
  const [forgotten, ...others] = posts.keys();
  rows.forget(forgotten);
  assert.equal(rows.of(forgotten), undefined);
  for (const id of others) assert.deepEqual(rows.of(id), posts.get(id));
});

test("what feeds meet again and again stays, however many others come; of these only so many", () => {
  const rows = createPostSnapshotStore(true, 8, 10);
  const often = new Map(Array.from({ length: 20 }, () => [crypto.randomUUID(), anyPost()]));
  const others: string[] = [];
  for (const [id, post] of often) rows.keep(id, post);
  for (let i = 0; i < 1000; i++) {
    others.push(crypto.randomUUID());
    rows.keep(others[i], anyPost());
    if (i % 5 === 0) rows.forget(others[random.below(others.length)]);
    if (i % 10 === 0) for (const [id, post] of often) assert.deepEqual(rows.of(id), post);
  }
  const stayed = others.filter((id) => rows.of(id)).length;
  assert.ok(stayed > 30 && stayed <= 60, `${stayed} of the others`);
});

test("components are kept once any post has some, and zeros are none", () => {
  const rows = createPostSnapshotStore(true, 2, 3);
  const components = Float32Array.from({ length: vectorWidth }, () => Math.fround(random.normal()));
  const [without, with_] = [anyPost(), { ...anyPost(), components }];
  rows.keep(first, without);
  assert.equal(rows.of(first)?.components, null);
  rows.keep(second, with_);
  assert.deepEqual(rows.of(second), with_);
  assert.deepEqual([...(rows.of(first)?.components ?? [])], [...new Float32Array(vectorWidth)]);
  for (let i = 0; i < 10; i++) {
    rows.keep(crypto.randomUUID(), anyPost());
    assert.deepEqual(rows.of(second), with_, "also when its block is renewed");
  }
});

test("where all that is kept was met, it makes room for what comes", () => {
  const rows = createPostSnapshotStore(true, 2, 10);
  const posts = Array.from({ length: 60 }, (): [string, PostSnapshot] => [crypto.randomUUID(), anyPost()]);
  for (const [id, post] of posts) {
    rows.keep(id, post);
    for (const [each] of posts) rows.of(each);
    assert.deepEqual(rows.of(id), post);
  }
});

test("what a feed found stays as it is when the post is kept again, and when its row is another's", () => {
  const rows = createPostSnapshotStore(true, 3, 10);
  const [post, again] = [anyPost(), anyPost()];
  rows.keep(first, post);
  const found = rows.of(first);
  rows.keep(first, again);
  assert.deepEqual([found, rows.of(first)], [post, again]);
  for (let i = 0; i < 100; i++) rows.keep(crypto.randomUUID(), anyPost());
  assert.deepEqual(found, post);
});

test("ids that differ in one digit are two; what is no uuid as PostgreSQL writes it is not kept", () => {
  const rows = createPostSnapshotStore(true, 8, 10);
  const ids = Array.from({ length: 36 }, (_, i) => (first[i] === "-" ? first : alteredAt(first, i)));
  for (const id of new Set([first, ...ids])) {
    const post = anyPost();
    rows.keep(id, post);
    assert.deepEqual(rows.of(id), post);
  }
  for (const odd of [
    "",
    "post",
    second.toUpperCase(),
    `${second} `,
    second.replace(/^./, "ā"),
    second.replace(/^./, "g"),
  ]) {
    rows.keep(odd, anyPost());
    assert.equal(rows.of(odd), undefined, odd);
  }
});

function alteredAt(id: string, i: number): string {
  return `${id.slice(0, i)}${((Number.parseInt(id[i], 16) + 1) % 16).toString(16)}${id.slice(i + 1)}`;
}

test("without a model no post has a vector; with one a post without is not kept", () => {
  for (const hasVectors of [true, false]) {
    const rows = createPostSnapshotStore(hasVectors, 3, 10);
    const post = { ...anyPost(), embedding: null };
    rows.keep(first, post);
    assert.deepEqual(rows.of(first), hasVectors ? undefined : post);
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
    const rows = createPostSnapshotStore(true, 3, 10);
    rows.keep(first, { state: { ...emptyPostState, ...odd } as PostState, embedding: vector(), components: null });
    assert.equal(rows.of(first), undefined, JSON.stringify(odd));
  }
});

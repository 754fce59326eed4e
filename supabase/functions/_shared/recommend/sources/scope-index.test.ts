/** What a worker finds in the posts of scopes that it keeps: for each source what a sort of all has first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { unitVectors } from "../../../../../trainer/data/replay/testing.ts";
import { Random } from "../../../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../../../trainer/models/nn/vector-at.ts";
import { decodeScopeIndex, topPostsOfScopes } from "./scope-index.ts";
import { type PackedPost, packedPosts } from "./testing-scope-cache.ts";

const random = new Random(3);
const vector = vectorAt(unitVectors(random, 1), 0);

const made = (count: number, more: (n: number) => Partial<PackedPost> = () => ({})): PackedPost[] => {
  const vectors = unitVectors(random, count);
  return Array.from({ length: count }, (_, n) => ({
    number: n,
    author: n + 1,
    fresh: Math.round(1e9 * random.uniform()),
    active: Math.round(1e9 * random.uniform()),
    trending: random.uniform(),
    popular: random.uniform(),
    vector: vectorAt(vectors, n),
    ...more(n),
  }));
};
const idOf = ({ number }: PackedPost) => `00000000-0000-0000-0000-${number.toString(16).padStart(12, "0")}`;
const sorted = (posts: PackedPost[], value: (post: PackedPost) => number) =>
  [...posts].sort((a, b) => value(b) - value(a) || a.number - b.number).map(idOf);
const nearness = ({ vector: own }: PackedPost) =>
  Array.from(own ?? []).reduce((sum, each, d) => sum + each * vector[d], 0);

test("each source has what a sort of all has first, however the posts are divided into scopes", () => {
  const posts = made(2500);
  const expected = {
    similar: sorted(posts, nearness).slice(0, 1000),
    active: sorted(posts, ({ active }) => active).slice(0, 840),
    fresh: sorted(posts, ({ fresh }) => fresh).slice(0, 280),
    trending: sorted(posts, ({ trending }) => trending).slice(0, 250),
    popular: sorted(posts, ({ popular }) => popular).slice(0, 500),
  };
  for (const scopes of [1, 2, 50]) {
    const parts = Array.from({ length: scopes }, (_, scope) => posts.filter(({ number }) => number % scopes === scope));
    const indexes = parts.map((part) => decodeScopeIndex(packedPosts(part)));
    assert.deepEqual(topPostsOfScopes(indexes, vector), expected);
    // a scope twice brings each post once
    const twice = topPostsOfScopes([...indexes, indexes[0]], vector).fresh ?? [];
    assert.equal(new Set(twice).size, twice.length);
  }
});

test("of equal posts those with the lower ids come first, also those of several scopes", () => {
  const alike = made(90, () => ({
    fresh: 5,
    active: 5,
    trending: 1,
    popular: 1,
    vector: unitVectors(new Random(1), 1),
  }));
  const parts = [0, 1, 2].map((rest) =>
    decodeScopeIndex(packedPosts(alike.filter(({ number }) => number % 3 === rest))),
  );
  for (const found of Object.values(topPostsOfScopes(parts, vector))) assert.deepEqual(found, alike.map(idOf));
});

test("a post without a vector is not near, and one that no user interacted with is neither trending nor popular", () => {
  const nobody = { trending: Number.NEGATIVE_INFINITY, popular: Number.NEGATIVE_INFINITY };
  const posts = made(30, (n) => (n < 10 ? { vector: null } : n < 20 ? nobody : {}));
  const found = topPostsOfScopes([decodeScopeIndex(packedPosts(posts))], vector);
  assert.deepEqual(found.similar, sorted(posts.slice(10), nearness));
  for (const source of ["trending", "popular"] as const)
    assert.deepEqual(
      found[source],
      sorted([...posts.slice(0, 10), ...posts.slice(20)], (post) => post[source]),
    );
  assert.deepEqual([found.active?.length, found.fresh?.length], [30, 30]);
  const none = { similar: [], active: [], fresh: [], trending: [], popular: [] };
  assert.deepEqual(topPostsOfScopes([decodeScopeIndex("")], vector), none);
});

test("of an author twice their share comes before all others', and what is beyond takes places that are left", () => {
  const [flood, rest] = [2000, 270];
  const posts = made(flood + rest, (n) => (n < flood ? { author: 7, fresh: 2e9 - n } : { author: n, fresh: 1e9 - n }));
  const { fresh } = topPostsOfScopes([decodeScopeIndex(packedPosts(posts))], vector);
  assert.equal(fresh?.length, 280);
  assert.deepEqual(fresh, [...posts.slice(0, 20), ...posts.slice(flood, flood + 260)].map(idOf));
  // without others all are theirs, and an unknown author has none
  for (const author of [7, 0]) {
    const ofOne = posts.slice(0, flood).map((post) => ({ ...post, author }));
    assert.deepEqual(
      topPostsOfScopes([decodeScopeIndex(packedPosts(ofOne))], vector).fresh,
      ofOne.slice(0, 280).map(idOf),
    );
  }
});

/** What is kept for people of the same scopes: for whom it is read, until when, and how much of it; and the nearest among it. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { unitVectors } from "../../../../trainer/community/testing.ts";
import { Random } from "../../../../trainer/engine/random.ts";
import { vectorAt } from "../../../../trainer/engine/vector-at.ts";
import type { Connection } from "../database/database.ts";
import { openScopePosts } from "./scope-posts.ts";
import { openVectors } from "./scope-vectors.ts";

const random = new Random(3);

/** Posts with vectors as recsys_engine.readable_vectors packs them; their ids end with their number. */
function packed(count: number) {
  const vectors = unitVectors(random, count);
  const ids = Buffer.alloc(16 * count);
  const bytes = Buffer.alloc(132 * count);
  for (let post = 0; post < count; post++) {
    ids.writeUInt32BE(post, 16 * post + 12);
    bytes.writeUInt16BE(32, 132 * post);
    for (let d = 0; d < 32; d++) bytes.writeFloatBE(vectors[32 * post + d], 132 * post + 4 + 4 * d);
  }
  return { vectors, post_ids: ids.toString("base64"), embeddings: bytes.toString("base64") };
}
const idOf = (post: number) => `00000000-0000-0000-0000-${post.toString(16).padStart(12, "0")}`;

test("the nearest are those that a sort of all has first, and of equally near ones those with the lower id", () => {
  const { vectors, ...found } = packed(700);
  const opened = openVectors(found);
  assert.equal(opened.count, 700);
  const vector = vectorAt(unitVectors(random, 1), 0);
  const nearness = (post: number) => vectorAt(vectors, post).reduce((sum, each, d) => sum + each * vector[d], 0);
  const sorted = Array.from({ length: 700 }, (_, post) => post).sort((a, b) => nearness(b) - nearness(a));
  for (const most of [1, 160, 700, 1000])
    assert.deepEqual(opened.nearest(vector, most), sorted.slice(0, most).map(idOf));
  assert.deepEqual(opened.nearest(new Float32Array(32), 3), [0, 1, 2].map(idOf));
  const none = openVectors({ post_ids: null, embeddings: null });
  assert.deepEqual([none.count, none.nearest(vector, 5)], [0, []]);
});

/** A database in which everybody may read as many posts, and how often each function was asked for; `fails`: by which statement. */
function made(count: number) {
  const asked = { vectors: 0, common: 0 };
  const { vectors: _, ...found } = packed(count);
  const state = { fails: false, at: 0 };
  const query = async (text: string) => {
    if (text.includes("readable_vectors")) {
      asked.vectors++;
      if (state.fails) throw new Error("gone");
      return { rows: [{ readable_vectors: count < 420 ? null : found }] };
    }
    if (!text.includes("common_posts")) return { rows: [] };
    asked.common++;
    return { rows: [{ common_posts: { at: state.at, posts: { post_id: null }, places: null } }] };
  };
  return { asked, state, connection: { query, release: () => undefined } as unknown as Connection };
}
const asOf = (now: number, featureStore = 1, modelId: number | null = 1) => ({ modelId, featureStore, now });

test("it is read for the second of the same scopes, common posts again after 30 s or a roll-up, vectors after 5 minutes", async () => {
  const { asked, state, connection } = made(500);
  const scopes = openScopePosts();
  const ask = async (...when: Parameters<typeof asOf>) => {
    [state.at] = when;
    return Boolean(await scopes.of(connection, "authenticated", ["a", "b"], asOf(...when)));
  };
  assert.deepEqual([await ask(0), scopes.has("authenticated", ["a", "b"], 1)], [false, false]);
  assert.deepEqual([await ask(0), scopes.has("authenticated", ["a", "b"], 1)], [true, true]);
  assert.deepEqual(asked, { vectors: 1, common: 1 });
  for (const [now, featureStore, expected] of [
    [30_000, 1, { vectors: 1, common: 1 }],
    [30_001, 1, { vectors: 1, common: 2 }],
    [30_001, 2, { vectors: 1, common: 3 }],
    [300_001, 2, { vectors: 2, common: 4 }],
    // a clock that was set back
    [0, 2, { vectors: 3, common: 5 }],
  ] as const) {
    assert.ok(await ask(now, featureStore));
    assert.deepEqual(asked, expected);
  }
  // another model has its own, and two in turn are not read again
  assert.deepEqual([await ask(0, 2, 2), await ask(0, 2, 2)], [false, true]);
  for (const modelId of [1, 2, 1, 2]) assert.ok(await ask(0, 2, modelId));
  assert.deepEqual(asked, { vectors: 4, common: 6 });
  // without a model nothing is near, and nobody belongs to no scopes or shares those of another role
  assert.equal(await ask(0, 2, null), false);
  for (const [role, of] of [
    ["authenticated", []],
    ["authenticated", ["a,b"]],
    ["moderator", ["a", "b"]],
  ] as const)
    assert.deepEqual(
      [await scopes.of(connection, role, [...of], asOf(0)), scopes.has(role, [...of], 1)],
      [null, false],
    );
});

test("where too few are kept none are read again for as long, and who comes while they are read does not wait", async () => {
  const few = made(5);
  const scopes = openScopePosts();
  const ask = (database: typeof few, scope: string) =>
    scopes.of(database.connection, "authenticated", [scope], asOf(0));
  for (let n = 0; n < 4; n++) assert.equal(await ask(few, "few"), null);
  assert.deepEqual(few.asked, { vectors: 1, common: 0 });
  const many = made(500);
  assert.equal(await ask(many, "many"), null);
  const [read, ...others] = await Promise.all([1, 2, 3].map(() => ask(many, "many")));
  assert.deepEqual([read !== null, ...others], [true, null, null]);
  assert.equal(many.asked.vectors, 1);
  // and one whose connection is lost leaves it to the next
  const lost = made(500);
  await ask(lost, "lost");
  lost.state.fails = true;
  await assert.rejects(ask(lost, "lost"), /gone/);
  lost.state.fails = false;
  assert.ok(await ask(lost, "lost"));
});

test("of more posts or scopes than there is room for those go that nobody asked for longest", async () => {
  const { connection } = made(500);
  for (const limits of [
    { posts: 1700, scopes: 64 },
    { posts: 1e6, scopes: 3 },
  ]) {
    const scopes = openScopePosts(limits);
    const ask = (scope: string) => scopes.of(connection, "authenticated", [scope], asOf(0));
    for (const scope of ["a", "b", "c"]) for (let n = 0; n < 2; n++) await ask(scope);
    await ask("a");
    for (let n = 0; n < 2; n++) await ask("d");
    assert.deepEqual(
      ["a", "b", "c", "d"].filter((scope) => scopes.has("authenticated", [scope], 1)),
      ["a", "c", "d"],
    );
  }
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { vectorWidth } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { postTowerInputs, userTowerInputs } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { contracts } from "../../../supabase/functions/_shared/models/contracts.ts";
import { loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../../../supabase/functions/_shared/towers/tower-vectors.ts";
import { assertClose } from "../../../testing/onnx/assert-close.ts";
import { bothRuntimes } from "../../../testing/onnx/runtimes.ts";
import type { Community } from "../../data/replay/community.ts";
import { postText, userText } from "../../data/replay/texts.ts";
import { hour, smallCommunity } from "../../evaluation/testing.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { Random } from "../../models/nn/random.ts";
import { embedPosts, embedUsersAt } from "../../models/towers/embed.ts";
import { towerDefaults } from "../../models/towers/hyperparameters.ts";
import { meanVectorOf, newTowers, TowerData } from "../../models/towers/model.ts";
import { type TrainedTowers, trainTowers } from "../../models/towers/train.ts";
import { assertContract } from "./contract.ts";
import { towersOf } from "./read-weights.ts";
import { postTowerGraph, userTowerGraph } from "./towers.ts";

const runtimes = await bothRuntimes();

let community: Community;
let trained: TrainedTowers;
let postVectors: Float32Array;
/** Histories of users 0 to 3: long, short, none, and none for one who says nothing either. */
const histories = [[5, 4, 3], [2], [], []];
/** What those did whom they follow. */
const followed = [[], [], [1, 2], []];

before(async () => {
  await startBackend();
  const posts = Array.from({ length: 30 }, (_, p) => [p % 3, 0, `garden chess word${p}`] as [number, number, string]);
  const interactions = Array.from(
    { length: 200 },
    (_, i) => [3 + (i % 17), (i * 7) % 30, 1 + i / 10] as [number, number, number],
  );
  community = smallCommunity(20, posts, interactions);
  community.users.passions[0] = ["Gardening", "chess"];
  community.users.projects[1] = ["A garden in the city"];
  community.users.bios[2] = "I play chess, I play chess.";
  community.posts.descriptions[4] = "One two three. Two three. Three.";
  community.posts.tags[4] = ["garden", "word4"];
  // each of those who did something follows the next of them
  const followers = Int32Array.from({ length: 17 }, (_, i) => 3 + i);
  community.follows = {
    users: followers,
    people: followers.map((user) => 3 + ((user - 2) % 17)),
    at: new Float64Array(17),
  };
  trained = await trainTowers(community, { ...towerDefaults, epochs: 2, batch: 64, seed: 1, until: 100 * hour });
  postVectors = embedPosts(trained.towers, trained.data, 30);
});

test("both graphs keep the contract, and leave room for the ranker under 5 MB", () => {
  const graphs = [userTowerGraph(trained.towers), postTowerGraph(trained.towers)];
  assertContract(graphs[0], contracts.user_tower);
  assertContract(graphs[1], contracts.post_tower);
  assert.ok(graphs[0].length + graphs[1].length < 4_500_000, `${graphs[0].length} + ${graphs[1].length} bytes`);
});

for (const runtime of runtimes) {
  test(`${runtime.name} gives the trainer's post vectors from the text`, async () => {
    const { posts, users } = community;
    const { run } = await runtime.createSession(postTowerGraph(trained.towers));
    const inputs = posts.ids.map((_, p) => ({
      title: posts.titles[p],
      description: posts.descriptions[p],
      tags: posts.tags[p],
      author_id: users.ids[posts.authors[p]],
      id_embedding: row(trained.towers.postIdEmbeddings.weights.values, p),
    }));
    const { embedding } = await run(postTowerInputs(inputs));
    assert.deepEqual(embedding.dims, [30, dimensions]);
    assertClose(embedding.data, postVectors, 1e-4, "posts");
  });

  test(`${runtime.name} gives the trainer's user vectors from profile and history`, async () => {
    const { users } = community;
    const { run } = await runtime.createSession(userTowerGraph(trained.towers));
    const inputs = histories.map((history, u) => ({
      passions: users.passions[u],
      projects: users.projects[u],
      bio: users.bios[u],
      id_embedding: row(trained.towers.userIdEmbeddings.weights.values, u),
      history: history.map((post) => row(postVectors, post)),
      followed: meanVectorOf(followed[u], postVectors),
    }));
    const moments = histories.map((history, user) => ({ user, history, followed: followed[user] }));
    const expected = embedUsersAt(trained.towers, trained.data, moments, postVectors);
    assertClose((await run(userTowerInputs(inputs))).embedding.data, expected, 1e-4, "users");
  });
}

for (const runtime of runtimes)
  test(`${runtime.name} gives the trainer's post vectors from the text and the posts' own vectors`, async () => {
    const random = new Random(2);
    const vectors = community.posts.ids.map((_, p) =>
      p % 3 === 0 ? null : Float32Array.from({ length: vectorWidth }, () => random.normal() / 8),
    );
    const withVectors = { ...community, posts: { ...community.posts, vectors } };
    const options = { ...towerDefaults, epochs: 2, batch: 64, seed: 1, until: 100 * hour };
    const { towers, data } = await trainTowers(withVectors, options);
    const onnx = postTowerGraph(towers);
    assertContract(onnx, contracts.post_tower);
    const tower = await runtime.createSession(onnx);
    const inputs = community.posts.ids.map((_, p) => ({
      ...postText(withVectors, p),
      id_embedding: row(towers.postIdEmbeddings.weights.values, p),
    }));
    const expected = embedPosts(towers, data, 30);
    assertClose(
      Float32Array.from((await embeddingsOf(tower, postTowerInputs(inputs, tower))).flatMap((each) => [...each])),
      expected,
      1e-4,
      "posts",
    );
    // weights that a fine-tuning reads back give the same
    const read = { ...towers, ...towersOf(userTowerGraph(towers), onnx) };
    assert.deepEqual(embedPosts(read, data, 30), expected);
    assert.notDeepEqual(
      embedPosts(read, { ...data, vectors: { posts: undefined, users: undefined } } as TowerData, 30),
      expected,
    );
  });

for (const runtime of runtimes)
  test(`${runtime.name} gives the trainer's user vectors where both towers read vectors of the app's own`, async () => {
    const random = new Random(2);
    const some = (ids: string[]) =>
      ids.map((_, i) => (i % 3 === 0 ? null : Float32Array.from({ length: vectorWidth }, () => random.normal() / 8)));
    const withVectors = {
      ...community,
      posts: { ...community.posts, vectors: some(community.posts.ids) },
      users: { ...community.users, vectors: some(community.users.ids) },
    };
    const options = { ...towerDefaults, epochs: 2, batch: 64, seed: 1, until: 100 * hour };
    const { towers, data } = await trainTowers(withVectors, options);
    const learned = towers.dense.values("user/vector");
    const start = newTowers(withVectors, data, options.until, options, new Random(1)).dense;
    assert.deepEqual(start.values("user/vector"), start.values("post/vector"));
    assert.notDeepEqual(learned, start.values("user/vector"));
    const onnx = userTowerGraph(towers);
    assertContract(onnx, contracts.user_tower);
    const tower = await runtime.createSession(onnx);
    const vectors = embedPosts(towers, data, 30);
    const inputs = histories.map((history, u) => ({
      ...userText(withVectors, u),
      id_embedding: row(towers.userIdEmbeddings.weights.values, u),
      history: history.map((post) => row(vectors, post)),
      followed: meanVectorOf(followed[u], vectors),
    }));
    const moments = histories.map((history, user) => ({ user, history, followed: followed[user] }));
    const expected = embedUsersAt(towers, data, moments, vectors);
    assertClose((await tower.run(userTowerInputs(inputs, tower))).embedding.data, expected, 1e-4, "users");
    // weights that a fine-tuning reads back give the same
    const read = { ...towers, ...towersOf(onnx, postTowerGraph(towers)) };
    assert.deepEqual(embedUsersAt(read, data, moments, vectors), expected);
    const without = { ...data, vectors: { ...data.vectors, users: undefined } } as TowerData;
    assert.notDeepEqual(embedUsersAt(read, without, moments, vectors), expected);
  });

test("a graph says how many rows its table of words has, and is fed by these", async () => {
  const tokenRows = 20_000;
  const data = new TowerData(community, { tokenRows });
  const towers = newTowers(community, data, Number.POSITIVE_INFINITY, towerDefaults, new Random(1));
  const tower = await (await loadRuntime()).createSession(postTowerGraph(towers));
  assert.equal(tower.tokenRows, tokenRows);
  const { posts, users } = community;
  const inputs = posts.ids.map((_, p) => ({
    title: posts.titles[p],
    description: posts.descriptions[p],
    tags: posts.tags[p],
    author_id: users.ids[posts.authors[p]],
    id_embedding: null,
  }));
  const vectors = await embeddingsOf(tower, postTowerInputs(inputs, tower));
  assertClose(Float32Array.from(vectors.flatMap((each) => [...each])), embedPosts(towers, data, 30), 1e-4, "posts");
});

function row(values: Float32Array, at: number): Float32Array {
  return values.subarray(at * dimensions, (at + 1) * dimensions);
}

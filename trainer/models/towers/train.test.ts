import assert from "node:assert/strict";
import { test } from "node:test";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { isFull } from "../../../testing/courses.ts";
import { hour, smallCommunity } from "../../evaluation/testing.ts";
import { backends, startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import { close } from "../nn/testing.ts";
import { embedPosts, embedUsersAt } from "./embed.ts";
import { Histories } from "./histories.ts";
import { towerDefaults } from "./hyperparameters.ts";
import { batchOf, trainTowers } from "./train.ts";

const subjects = ["garden", "chess"];
/**
 * The hour at which posts 40 and 41 are written, which stay unopened; the 40 before them have the two subjects by
 * turns.
 */
const lateFrom = 200;

/** 40 users: user u likes subject u mod 2 and opens ten of its posts; users 38 and 39 have opened nothing. */
function community(people = 40) {
  const random = new Random(5);
  const posts = Array.from(
    { length: 42 },
    (_, p) => [-1, p < 40 ? 0 : lateFrom, `${subjects[p % 2]} word${p}`] as [number, number, string],
  );
  const interactions = Array.from({ length: 38 * 10 }, (_, i) => {
    const user = i % 38;
    return [user, (user % 2) + 2 * random.below(20), 1 + i / 10] as [number, number, number];
  });
  const made = smallCommunity(people, posts, interactions);
  made.users.passions = made.users.ids.map((_, u) => (u < 40 ? [subjects[u % 2]] : []));
  return made;
}

const options = { ...towerDefaults, epochs: 6, batch: 64, uniformNegatives: 32, seed: 3, until: 100 * hour };

test("the same seed and backend give the same weights; another seed gives others", async () => {
  await startBackend("js");
  const [first, second, other] = [
    await trainTowers(community(), { ...options, epochs: 1 }),
    await trainTowers(community(), { ...options, epochs: 1 }),
    await trainTowers(community(), { ...options, epochs: 1, seed: 4 }),
  ];
  assert.deepEqual(second.losses, first.losses);
  assert.deepEqual(second.towers.tokens.weights.values, first.towers.tokens.weights.values);
  assert.deepEqual(second.towers.dense.values("user/history"), first.towers.dense.values("user/history"));
  assert.notDeepEqual(other.losses, first.losses);
});

test("losses of the three backends agree", async (t) => {
  const losses = new Map<string, number[]>();
  const epochs = isFull ? options.epochs : 2;
  for (const backend of backends) {
    try {
      await startBackend(backend);
    } catch {
      t.diagnostic(`backend ${backend} does not start here`);
      continue;
    }
    losses.set(backend, (await trainTowers(community(), { ...options, epochs })).losses);
  }
  assert.ok(losses.has("wasm") && losses.has("js"));
  const expected = losses.get("js") as number[];
  for (const found of losses.values()) for (const [i, loss] of found.entries()) close(loss, expected[i], 1e-3);
});

test("training finds the subjects, for cold users, by what they say or whom they follow, and for new posts", async () => {
  await startBackend("wasm");
  // everybody follows five who like what they like, and users 40 and 41 say nothing and did nothing else
  const followers = Int32Array.from({ length: 5 * 42 }, (_, i) => Math.floor(i / 5));
  const people = followers.map((user, i) => (user + 2 * (1 + (i % 5))) % 38);
  const follows = { users: followers, people, at: new Float64Array(followers.length) };
  const { towers, data, losses } = await trainTowers({ ...community(42), follows }, { ...options, epochs: 25 });
  assert.ok((losses.at(-1) as number) < losses[0]);
  const posts = embedPosts(towers, data, 42);
  const past = new Histories({ ...community(42), follows }, options.until);
  const users = embedUsersAt(
    towers,
    data,
    [
      { user: 38, history: [] },
      { user: 39, history: [] },
      { user: 40, history: [], followed: past.followed(40, options.until) },
      { user: 41, history: [], followed: past.followed(41, options.until) },
    ],
    posts,
  );
  const score = (user: number, post: number) =>
    innerProduct(users, user * dimensions, posts, post * dimensions, dimensions);
  for (const user of [0, 1, 2, 3]) {
    const mean = (subject: number) =>
      Array.from({ length: 20 }, (_, i) => score(user, subject + 2 * i)).reduce((sum, value) => sum + value) / 20;
    const subject = user % 2;
    assert.ok(mean(subject) > mean(1 - subject) + 0.3, `${user}: ${mean(subject)} against ${mean(1 - subject)}`);
    assert.ok(score(user, 40 + subject) > score(user, 41 - subject) + 0.1, "a post nobody has opened");
  }
});

test("what those whom a user follows did lately does not tell the towers the time of an example", async () => {
  await startBackend("wasm");
  const seasons = ["spring", "autumn"];
  const posts = Array.from(
    { length: 40 },
    (_, p) => [-1, p < 20 ? 0 : 50, `${seasons[Math.floor(p / 20)]} word${p}`] as [number, number, string],
  );
  const random = new Random(5);
  // every user interacts with five posts of spring while there are no others, then with five of autumn
  const interactions = Array.from({ length: 400 }, (_, i) => {
    const isLate = Number(i >= 200);
    return [i % 40, 20 * isLate + random.below(20), 1 + 50 * isLate + (i % 200) / 10] as [number, number, number];
  });
  const followers = Int32Array.from({ length: 5 * 41 }, (_, i) => Math.floor(i / 5));
  const people = followers.map((user, i) => (user + 1 + (i % 5)) % 40);
  const follows = { users: followers, people, at: new Float64Array(followers.length) };
  const seasonal = { ...smallCommunity(41, posts, interactions), follows };
  const { towers, data } = await trainTowers(seasonal, { ...options, epochs: 25 });
  const vectors = embedPosts(towers, data, 40);
  const followed = new Histories(seasonal, options.until).followed(40, options.until);
  const moments = [
    { user: 40, history: [] },
    { user: 40, history: [], followed },
  ];
  const users = embedUsersAt(towers, data, moments, vectors);
  const scores = (user: number) =>
    Array.from({ length: 40 }, (_, p) => innerProduct(users, user * dimensions, vectors, p * dimensions, dimensions));
  const leaning = (user: number) => scores(user).reduce((sum, score, p) => sum + (p < 20 ? -score : score) / 20, 0);
  const more = leaning(1) - leaning(0);
  assert.ok(more < 0.5, `${more} more for autumn, since those whom they follow interacted with it last`);
});

test("with the sampling correction vectors say what is popular, and without it what is to a user's taste alone", async () => {
  await startBackend("wasm");
  const random = new Random(5);
  // of the posts of each subject the first ten are opened nine times in ten
  const posts = Array.from(
    { length: 40 },
    (_, p) => [-1, 0, `${subjects[p % 2]} word${p}`] as [number, number, string],
  );
  const interactions = Array.from({ length: 600 }, (_, i) => {
    const user = i % 40;
    const rank = random.below(10) + (random.uniform() < 0.9 ? 0 : 10);
    return [user, (user % 2) + 2 * rank, 1 + i / 10] as [number, number, number];
  });
  const skewed = smallCommunity(40, posts, interactions);
  const learned = async (samplingCorrection: number) => {
    const { towers, data } = await trainTowers(skewed, { ...options, epochs: 25, samplingCorrection });
    const vectors = embedPosts(towers, data, 40);
    const past = new Histories(skewed, options.until);
    const moments = Array.from({ length: 40 }, (_, user) => ({ user, history: past.latest(user, options.until) }));
    const users = embedUsersAt(towers, data, moments, vectors);
    const mean = (chosen: (user: number, post: number) => boolean) => {
      const scores = moments.flatMap(({ user }) =>
        Array.from({ length: 40 }, (_, post) => post)
          .filter((post) => chosen(user, post))
          .map((post) => innerProduct(users, user * dimensions, vectors, post * dimensions, dimensions)),
      );
      return scores.reduce((sum, score) => sum + score) / scores.length;
    };
    const liked = (user: number, post: number) => user % 2 === post % 2;
    return {
      popular:
        mean((user, post) => liked(user, post) && post < 20) - mean((user, post) => liked(user, post) && post >= 20),
      taste: mean(liked) - mean((user, post) => !liked(user, post)),
    };
  };
  const [whole, none] = [await learned(1), await learned(0)];
  assert.ok(whole.popular > none.popular + 0.1, `${whole.popular} and ${none.popular} nearer to what is popular`);
  assert.ok(Math.min(whole.taste, none.taste) > 0.3, `${whole.taste} and ${none.taste} nearer to what they like`);
});

test("a small community gets smaller batches, and none gets tiny ones", () => {
  assert.deepEqual(
    [100, 10_000, 1_000_000].map((positives) => batchOf(positives, towerDefaults)),
    [64, 157, 512],
  );
});

test("training stops when it is told to", async () => {
  await startBackend("js");
  const signal = AbortSignal.abort();
  await assert.rejects(trainTowers(community(), options, undefined, signal), { name: "AbortError" });
});

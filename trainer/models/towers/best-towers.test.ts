/** Of the ways to train towers that one is taken by which later first interactions are likelier. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { vectorWidth } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { isFull, skipUnlessFull } from "../../../testing/courses.ts";
import { withoutVectors } from "../../data/replay/community.ts";
import { interactionsUntil } from "../neighbours/select-neighbours.ts";
import { communityOf, type Visit } from "../neighbours/testing.ts";
import { startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import type { PageRequest } from "../ranker/page-requests.ts";
import { firstInteractionEvents, type Labels, requestsAt } from "../ranker/requests.ts";
import { factorisedTowers } from "./als-init.ts";
import { trainBestTowers } from "./best-towers.ts";
import { towerDefaults } from "./hyperparameters.ts";
import { readsVectors } from "./network.ts";
import { type TrainedTowers, trainTowers } from "./train.ts";

const [people, posts, groups] = isFull ? [120, 200, 4] : [60, 200, 4];
const hour = 3_600_000;
/** Whether a model has any says that the factors are worth a try; what they are does not matter here. */
const neighbours = { starts: new Int32Array(), posts: new Int32Array(), weights: new Int32Array() };

/** Every user interacts with 20 posts of their group, and then with 10 more: of their group, or to `afterwards`. */
function community(afterwards?: (random: Random) => number) {
  const random = new Random(1);
  const ofGroup = (user: number) => (user % groups) + groups * random.below(posts / groups);
  const seen = new Set<string>();
  const visits: Visit[] = [];
  while (visits.length < 30 * people) {
    const user = random.below(people);
    const isLater = visits.length >= 20 * people;
    const post = isLater && afterwards ? afterwards(random) : ofGroup(user);
    if (seen.has(`${user} ${post}`)) continue;
    seen.add(`${user} ${post}`);
    visits.push({ user, post, at: (1000 + visits.length) * hour });
  }
  const loaded = communityOf(
    Array.from({ length: posts }, () => 0),
    visits,
    people,
  );
  const until = visits[20 * people].at;
  const events = firstInteractionEvents(loaded.community, loaded.timeline, Number.POSITIVE_INFINITY);
  const later = requestsAt(
    loaded.timeline,
    events.filter((event) => loaded.timeline.at[event] >= until),
    Number.POSITIVE_INFINITY,
  );
  const options = { ...towerDefaults, epochs: 1, leastBatch: 128, uniformNegatives: 32, seed: 3, until };
  const cameTo = interactionsUntil(loaded, events, until);
  return { loaded, later, options, cameTo, requests: later };
}

before(() => startBackend("wasm"));

test("they begin at the factors where people go on in their group", async () => {
  const { loaded, later, options, cameTo, requests } = community();
  const found = await trainBestTowers(loaded, { cameTo, later, towers: options, neighbours, requests });
  const start = factorisedTowers(loaded.community, cameTo, options);
  assert.deepEqual(found.losses, (await trainTowers(loaded.community, options, undefined, undefined, start)).losses);
});

test("and at zero where earlier interactions do not predict later ones", async () => {
  const { loaded, later, options, cameTo, requests } = community((random) => random.below(posts));
  const found = await trainBestTowers(loaded, { cameTo, later, towers: options, neighbours, requests });
  assert.deepEqual(found.losses, (await trainTowers(loaded.community, options)).losses);
});

/** A community whose posts have a vector each, of so much of their group and so much noise. Two titles of three say the group too: where all do, chance decides. */
function withVectors(ofGroup: number, noise: number) {
  const random = new Random(2);
  const found = community();
  const vectors = found.loaded.community.posts.ids.map((_, post) => {
    const vector = Float32Array.from({ length: vectorWidth }, () => noise * random.normal());
    vector[post % groups] += ofGroup;
    return vector;
  });
  const { posts, ...others } = found.loaded.community;
  const titles = posts.ids.map((_, post) =>
    post % 3 === 0 ? "today" : ["harbour", "lantern", "meadow", "violin"][post % groups],
  );
  return { ...found, loaded: { ...found.loaded, community: { ...others, posts: { ...posts, titles, vectors } } } };
}

test("they read vectors that predict interactions, and do without vectors that do not", async () => {
  const train = async ({ loaded, later, options, cameTo, requests }: ReturnType<typeof withVectors>) =>
    await trainBestTowers(loaded, { cameTo, later, towers: options, neighbours: undefined, requests });
  assert.ok(readsVectors((await train(withVectors(1, 0.1))).towers.dense).posts);
  const noise = withVectors(0, 0.3);
  const { towers, losses } = await train(noise);
  assert.ok(!readsVectors(towers.dense).posts);
  assert.deepEqual(losses, (await trainTowers(withoutVectors(noise.loaded.community), noise.options)).losses);
  const { loaded, options, cameTo } = noise;
  const untold = await trainBestTowers(loaded, {
    cameTo,
    later: [],
    towers: options,
    neighbours: undefined,
    requests: [],
  });
  assert.ok(readsVectors(untold.towers.dense).posts, "where nothing came later they are read");
});

test("they read the posts' and do without those of users, where these say nothing", {
  skip: skipUnlessFull,
}, async () => {
  const { loaded, later, options, cameTo, requests } = withVectors(1, 0.1);
  const random = new Random(4);
  const vectors = loaded.community.users.ids.map(() =>
    Float32Array.from({ length: vectorWidth }, () => 2 * random.normal()),
  );
  const users = { ...loaded.community.users, vectors };
  const all = { ...loaded, community: { ...loaded.community, users } };
  const { towers, losses } = await trainBestTowers(all, {
    cameTo,
    later,
    towers: options,
    neighbours: undefined,
    requests,
  });
  assert.deepEqual(readsVectors(towers.dense), { posts: true, users: false });
  assert.deepEqual(losses, (await trainTowers(loaded.community, options)).losses);
  const settled = { towers: trainTowers, elsewhere: true };
  const read = await trainBestTowers(all, { cameTo, later, towers: options, neighbours: undefined, requests }, settled);
  assert.deepEqual(readsVectors(read.towers.dense), { posts: true, users: true });
});

test("where both are tried, the factors are those of towers without vectors that say nothing", {
  skip: skipUnlessFull,
}, async () => {
  const { loaded, later, options, cameTo, requests } = withVectors(0, 0.3);
  const found = await trainBestTowers(loaded, { cameTo, later, towers: options, neighbours, requests });
  const words = withoutVectors(loaded.community);
  const start = factorisedTowers(words, cameTo, options);
  assert.deepEqual(found.losses, (await trainTowers(words, options, undefined, undefined, start)).losses);
});

test("the factors start the ID embeddings of users who interacted with anything, and of no other", () => {
  const { loaded, options } = community();
  const { towers } = factorisedTowers(
    loaded.community,
    {
      postsOf: loaded.community.users.ids.map((_, user) => (user < 3 ? [0, 1] : [])),
      usersOf: loaded.community.posts.ids.map((_, post) => (post < 2 ? [0, 1, 2] : [])),
    },
    options,
  );
  const length = (values: Float32Array, row: number) => Math.hypot(...values.subarray(row * 32, (row + 1) * 32));
  const { userIdEmbeddings, postIdEmbeddings } = towers;
  for (const user of [0, 1, 2]) assert.ok(Math.abs(length(userIdEmbeddings.weights.values, user) - 1) < 1e-3);
  assert.equal(length(userIdEmbeddings.weights.values, 3), 0);
  assert.equal(length(postIdEmbeddings.weights.values, 2), 0);
});

/**
 * Trains towers where users interact with one kind of post on every page: by the group, which titles say, or by the other, which only
 * IDs can tell. Says whether posts have ID embeddings then, and how many steps each training took.
 */
async function trainOnPages(cameToBy: "group" | "other", places: number) {
  const others = 7;
  const random = new Random(5);
  const isOwn = {
    group: (user: number, post: number) => user % groups === post % groups,
    other: (user: number, post: number) => user % others === post % others,
  };
  const draw = (holds: (post: number) => boolean) => {
    for (;;) {
      const post = random.below(posts);
      if (holds(post)) return post;
    }
  };
  const visits = Array.from({ length: 40 * people }, (_, i): Visit => {
    const user = random.below(people);
    const by = i % 2 === 0 ? isOwn.group : isOwn.other;
    return { user, post: draw((post) => by(user, post)), at: (1000 + i) * hour };
  });
  const loaded = communityOf(
    Array.from({ length: posts }, () => 0),
    visits,
    people,
  );
  const { titles } = loaded.community.posts;
  for (const post of titles.keys()) titles[post] = ["harbour", "lantern", "meadow", "violin"][post % groups];
  const until = (1000 + visits.length) * hour;
  const passedBy = cameToBy === "group" ? "other" : "group";
  const requests = Array.from({ length: 400 }, (_, i): PageRequest => {
    const user = i % people;
    const touched = draw((post) => isOwn[cameToBy](user, post) && !isOwn[passedBy](user, post));
    const passed = draw((post) => isOwn[passedBy](user, post) && !isOwn[cameToBy](user, post));
    const shown = [touched, passed].slice(0, places).map((post, place) => ({
      post,
      position: place + 1,
      labels: [1 - place, 0, 0] as Labels,
    }));
    return { event: visits.length, user, at: until + i, shown };
  });
  const plan = {
    cameTo: { postsOf: [], usersOf: [] },
    later: requests.map(({ event, user, at, shown }) => ({ event, user, at, post: shown[0].post })),
    // pages of one post each are no reason to compare anything
    towers: {
      ...towerDefaults,
      epochs: places === 1 ? 1 : isFull ? 8 : 4,
      leastBatch: 128,
      uniformNegatives: 32,
      seed: 3,
      until,
    },
    neighbours: undefined,
    requests,
  };
  const steps: number[] = [];
  const trainer = {
    async towers(...parameters: Parameters<typeof trainTowers>) {
      const trained = await trainTowers(...parameters);
      steps.push(trained.steps);
      return trained;
    },
  };
  const { towers } = await trainBestTowers(loaded, plan, trainer);
  return { learnsPostIds: towers.postIdEmbeddings.weights.values.some(Boolean), steps };
}

const onPages = new Map<string, ReturnType<typeof trainOnPages>>();

function trainedOnPages(cameToBy: "group" | "other", places = 2): ReturnType<typeof trainOnPages> {
  const name = `${cameToBy} ${places}`;
  const known = onPages.get(name) ?? trainOnPages(cameToBy, places);
  onPages.set(name, known);
  return known;
}

test("where pages teach, posts have no ID embedding", async () => {
  assert.equal((await trainedOnPages("group")).learnsPostIds, false);
});

test("towers with ID embeddings that are not ahead after half of the epochs are not trained further", async () => {
  const [without, withIds] = (await trainedOnPages("group")).steps;
  assert.equal(withIds, without / 2);
  if (isFull) {
    const whole = (await trainedOnPages("other")).steps;
    assert.equal(whole[1], whole[0]);
  }
});

test("but where pages have one post each, which tell nothing", async () => {
  assert.equal((await trainedOnPages("group", 1)).learnsPostIds, true);
});

test("but where it orders more of the pages right", { skip: skipUnlessFull }, async () => {
  assert.equal((await trainedOnPages("other")).learnsPostIds, true);
});

test("towers that have learned no ID embedding of posts go on without", async () => {
  const { loaded, options } = community();
  const without = await trainTowers(loaded.community, { ...options, withoutPostIds: true });
  const hasIds = ({ towers }: TrainedTowers) => towers.postIdEmbeddings.weights.values.some(Boolean);
  assert.ok(!hasIds(without));
  assert.ok(!hasIds(await trainTowers(loaded.community, options, undefined, undefined, without)));
  const withIds = await trainTowers(loaded.community, options);
  const further = { ...options, withoutPostIds: true };
  assert.ok(hasIds(await trainTowers(loaded.community, further, undefined, undefined, withIds)));
});

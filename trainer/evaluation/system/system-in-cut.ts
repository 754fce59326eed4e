/**
 * The system in one cut. Its feature store must hold the training part and nothing else, so that part becomes a bundle
 * and is imported into a database made for it: the test pairs cannot leak into a count.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { earliest } from "../../../db/bundle/records.ts";
import { writeAll } from "../../../db/bundle/write-records.ts";
import { openDatabase } from "../../../db/connect.ts";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { migrate } from "../../../db/migrate.ts";
import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { TrainedModel } from "../../artifacts/model-folder/trained-model.ts";
import type { Community, Follows, Posts, Users } from "../../data/replay/community.ts";
import { communityFromDatabase, type LoadedCommunity } from "../../data/replay/from-database.ts";
import { randomSplitCap } from "../../data/replay/per-user-cap.ts";
import { embedPosts, embedUsersAt } from "../../models/towers/embed.ts";
import { Histories } from "../../models/towers/histories.ts";
import { type TrainedTowers, trainTowers } from "../../models/towers/train.ts";
import { type HeldPair, type PipelineOptions, trainModel, trainModelOnPairs } from "../../pipeline.ts";
import { type Config, defaultConfig } from "../../training/config/config.ts";
import type { CutOptions } from "../protocols/cut.ts";
import type { History, Recommender } from "../protocols/recommender.ts";
import { randomSplit } from "../protocols/split.ts";
import { ReplayedSystem } from "./replayed-system.ts";
import { System } from "./system.ts";

/** The share of the training pairs of a random split that the ranker learns from. */
const heldShare = 0.1;

export class SystemInCut implements Recommender {
  readonly name = "two-tower + DLRM";
  private trained: System | undefined;
  /** The number of each user and post in the database, which numbers them by time and uuid. */
  private users: number[] = [];
  private posts: number[] = [];
  private inner = new Float64Array();
  private readonly split: CutOptions["split"];
  private readonly options: PipelineOptions;

  constructor(split: CutOptions["split"], options: PipelineOptions) {
    this.split = split;
    this.options = options;
  }

  async train({ community }: History): Promise<void> {
    const onProgress = this.options.onProgress ?? (() => {});
    const loaded = await throughDatabase(community, onProgress);
    const { users, posts } = loaded.community;
    this.users = numbersOf(community.users.ids, users.externalIds ?? users.ids);
    this.posts = numbersOf(community.posts.ids, posts.externalIds ?? posts.ids);
    this.inner = new Float64Array(posts.ids.length);
    const replayed = new ReplayedSystem(loaded, this.options);
    await replayed.serveTrained(
      this.split === "random" ? await this.trainOnPairs(community, loaded) : await trainModel(loaded, this.options),
    );
    this.trained = new System(replayed);
    this.trained.skipToEnd();
  }

  private async trainOnPairs(community: Community, whole: LoadedCommunity): Promise<TrainedModel> {
    const { training, test } = randomSplit(community, heldShare, this.options.seed);
    const base = await throughDatabase(training, this.options.onProgress ?? (() => {}));
    const did = new Map<number, HeldPair["labels"]>();
    const { interactions, posts } = community;
    const pairOf = (user: number, post: number) => user * posts.ids.length + post;
    for (const [i, kind] of interactions.kinds.entries()) {
      const pair = pairOf(interactions.users[i], interactions.posts[i]);
      const labels = did.get(pair) ?? [0, 0, 0];
      labels[kind] = 1;
      did.set(pair, labels);
    }
    const held = [...test].flatMap(([user, tested]) =>
      tested.map((post) => ({
        user: this.users[user],
        post: this.posts[post],
        labels: did.get(pairOf(user, post)) as HeldPair["labels"],
      })),
    );
    return await trainModelOnPairs(base, whole, held, this.options);
  }

  /** The system on the training part, with that part's numbers. */
  get system(): System {
    if (!this.trained) throw new Error("the system is asked before it was trained");
    return this.trained;
  }

  observe(): void {}

  async scores(user: number, at: number, out: Float64Array): Promise<void> {
    await this.system.scores(this.users[user], at, this.inner);
    for (let post = 0; post < out.length; post++) out[post] = this.inner[this.posts[post]];
  }
}

async function throughDatabase(community: Community, onProgress: OnProgress): Promise<LoadedCommunity> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-cut-"));
  try {
    await writeBundle(folder, community);
    const database = await openDatabase({ folder: join(folder, "database") });
    try {
      await migrate(database);
      await importBundle(database, folder, { onProgress });
      const loaded = await communityFromDatabase(database, onProgress);
      loaded.community.readable = community.readable;
      takeVectors(loaded.community.posts, community.posts);
      takeVectors(loaded.community.users, community.users);
      return loaded;
    } finally {
      await database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bundle of text alone brings no vectors: posts and users have those that they had. */
function takeVectors(into: Posts | Users, { ids, vectors }: Posts | Users): void {
  if (!vectors) return;
  const known = new Map(ids.map((id, i) => [id, vectors[i]]));
  into.vectors = (into.externalIds ?? into.ids).map((id) => known.get(id) ?? null);
}

async function writeBundle(folder: string, { users, posts, interactions, follows }: Community): Promise<void> {
  const time = (at: number) => new Date(at).toISOString();
  const userRecords = users.ids.map((id, u) => {
    const [passions, projects, bio] = [users.passions[u], users.projects[u], users.bios[u]];
    return { id, passions, projects, bio, created_at: time(users.createdAt[u]) };
  });
  const postRecords = posts.ids.map((id, p) => {
    const author_id = posts.authors[p] < 0 ? null : users.ids[posts.authors[p]];
    const [title, description, tags] = [posts.titles[p], posts.descriptions[p], posts.tags[p]];
    return { id, author_id, title, description, tags, created_at: time(posts.createdAt[p]) };
  });
  function* interactionRecords() {
    for (const [i, user] of interactions.users.entries()) {
      const post_id = posts.ids[interactions.posts[i]];
      const kind = kinds[interactions.kinds[i]];
      yield { user_id: users.ids[user], post_id, kind, created_at: time(interactions.at[i]) };
    }
  }
  function* followRecords({ users: followers, people, at }: Follows) {
    for (const [i, user] of followers.entries()) {
      const created_at = time(Math.max(at[i], earliest));
      yield { user_id: users.ids[user], kind: "person", target_id: users.ids[people[i]], created_at } as const;
    }
  }
  await writeAll(folder, "users", userRecords);
  await writeAll(folder, "posts", postRecords);
  await writeAll(folder, "interactions", interactionRecords());
  if (follows) await writeAll(folder, "follows", followRecords(follows));
}

function numbersOf(ids: string[], stored: string[]): number[] {
  const numbers = new Map(stored.map((id, i) => [id, i]));
  return ids.map((id) => numbers.get(id) ?? -1);
}

// The two towers alone in one cut: trained on the whole training part, ranked by inner product.

interface TowersInCutOptions {
  seed: number;
  split: CutOptions["split"];
  config?: Config | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export function towersInCut(options: TowersInCutOptions): Recommender {
  let trained: (TrainedTowers & { postVectors: Float32Array; past: Histories }) | undefined;
  return {
    name: "two towers alone",
    async train({ community }) {
      const { seed, split, config = defaultConfig, onProgress, signal } = options;
      const until = Number.POSITIVE_INFINITY;
      const timeless = split === "random" && { histories: "others" as const, bound: randomSplitCap };
      const found = await trainTowers(community, { ...config.towers, seed, until, ...timeless }, onProgress, signal);
      const postVectors = embedPosts(found.towers, found.data, community.posts.ids.length);
      trained = { ...found, postVectors, past: new Histories(community, until) };
    },
    observe() {},
    scores(user, _at, out) {
      if (!trained) throw new Error("the towers are asked before they were trained");
      const { towers, data, postVectors, past } = trained;
      const until = Number.POSITIVE_INFINITY;
      const moment = { user, history: past.latest(user, until), followed: past.followed(user, until) };
      const vector = embedUsersAt(towers, data, [moment], postVectors);
      for (let post = 0; post < out.length; post++)
        out[post] = innerProduct(vector, 0, postVectors, post * dimensions, dimensions);
    },
  };
}

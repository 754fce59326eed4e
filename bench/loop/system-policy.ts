/**
 * The system as a policy: a database of its own, in which everything is written as an app would, `recommend` without HTTP, roll-ups and
 * re-embedding as pg_cron would call them, and a training each night. The engine's clock is the simulation's.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BundlePart, RecordOf } from "../../db/bundle/records.ts";
import type { Database } from "../../db/connect.ts";
import { importBundle, type KeysOf, keysOfBundle } from "../../db/import/import-bundle.ts";
import { insertRecords } from "../../db/import/insert.ts";
import { externalUuid, KnownIds } from "../../db/import/known-ids.ts";
import { openPool } from "../../supabase/functions/_shared/database/pool.ts";
import { embedBatch } from "../../supabase/functions/_shared/embed/embed-batch.ts";
import type { Log } from "../../supabase/functions/_shared/http/log.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../supabase/functions/_shared/models/models.ts";
import { openFeedServices, type RecommendServices } from "../../supabase/functions/_shared/plugins/feed-services.ts";
import { feedWithFallbacks } from "../../supabase/functions/_shared/recommend/feed-with-fallbacks.ts";
import { emptyServedState } from "../../supabase/functions/_shared/recommend/request/cursor.ts";
import { readModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { createFollows, followRecordOf, type NewFollow } from "../../trainer/data/synthetic/follows.ts";
import { profileOf } from "../../trainer/data/synthetic/people.ts";
import type { Happening } from "../../trainer/data/synthetic/simulation.ts";
import type { World } from "../../trainer/data/synthetic/world.ts";
import { recordOf, writeWorld } from "../../trainer/data/synthetic/write-synthetic-community.ts";
import { postRecordOf } from "../../trainer/data/synthetic/writings.ts";
import { startBackend } from "../../trainer/models/nn/backend.ts";
import { publish } from "../../trainer/release/publish/publish.ts";
import { settledUntil, train } from "../../trainer/train-into-folder.ts";
import { readWarmStart, retrainFromScratchReason } from "../../trainer/warm-start.ts";
import { openFolder, openPostgres, openScope } from "../shared/workspace.ts";
import type { Policy } from "./closed-loop.ts";

/** Roll-ups are this far apart, in milliseconds of the simulation; pg_cron calls them every ten seconds, when hardly anything happens here. */
const rollUpEvery = 20 * 60_000;

interface SystemOptions {
  name: string;
  seed: number;
  /** What is changed of it, as SQL: `update recsys.settings set trial_place = 0`. */
  change?: string | undefined;
  /** Whether people follow others. */
  follows: boolean;
  print: (line: string) => void;
}

export class SystemPolicy implements Policy {
  readonly name: string;
  private readonly options: SystemOptions;
  private readonly scope = openScope();
  private world!: World;
  private database!: Database;
  private folder = "";
  private services!: RecommendServices;
  private pool!: ReturnType<typeof openPool>;
  private userIds: string[] = [];
  private postIds: string[] = [];
  private postNumbers = new Map<string, number>();
  private keys = keysOfBundle();
  /** Who and what is not there yet, in order of time. */
  private usersToCome: number[] = [];
  private postsToCome: number[] = [];
  private follows: NewFollow[] = [];
  private waiting: Exclude<Happening, { what: "impressions" }>[] = [];
  private rolledUpAt = Number.NEGATIVE_INFINITY;
  private nights = 0;

  constructor(options: SystemOptions) {
    this.options = options;
    this.name = options.name;
  }

  async prepare(world: World, days: number): Promise<void> {
    this.world = world;
    this.database = await openPostgres(this.scope, "loop");
    this.folder = await openFolder(this.scope);
    this.userIds = world.people.map(({ id }) => externalUuid("user", id));
    this.postIds = world.writings.map(({ id }) => externalUuid("post", id));
    this.postNumbers = new Map(this.postIds.map((id, post) => [id, post]));
    const bundle = join(this.folder, "bundle");
    if (this.options.follows) this.follows = createFollows(world.seed, world.people);
    await writeWorld(bundle, world, days, this.follows);
    await importBundle(this.database, bundle);
    const now = world.after(days);
    this.follows = this.follows.filter(({ at }) => at > now);
    const order = [...world.people.keys()].sort((a, b) => world.people[a].createdAt - world.people[b].createdAt);
    this.usersToCome = order.filter((user) => world.people[user].createdAt > now);
    this.postsToCome = [...world.writings.keys()].filter((post) => world.writings[post].createdAt > now);
    const isThere = ({ createdAt }: { createdAt: number }) => createdAt <= now;
    const [users, posts] = [new KnownIds("user"), new KnownIds("post")];
    users.add(world.people.filter(isThere), [], "users");
    posts.add(world.writings.filter(isThere), [], "posts");
    this.keys = keysOfBundle(users, posts);
    const { pool } = this.database;
    if (this.options.change) await pool.query(this.options.change);
    await pool.query("update recsys.settings set requests_per_minute = null");
    await this.setClock(now);
    this.pool = openPool(this.database.url, (error) => this.options.print(String(error)), { max: 2 });
    this.scope.after(() => this.pool.end());
    const log: Log = (code, error) =>
      this.options.print(`${code}: ${error instanceof Error ? error.message : String(error)}`);
    this.services = openFeedServices(this.pool, modelCache(loadRuntime), log);
    await startBackend();
    await this.trainAndPublish();
  }

  observe(happening: Happening): void {
    // what was shown is logged by the system itself
    if (happening.what !== "impressions") this.waiting.push(happening);
  }

  async page(user: number, at: number, size: number): Promise<number[]> {
    await this.setClock(at);
    await this.arrivals(at);
    if (at - this.rolledUpAt >= rollUpEvery) await this.rollUp(at);
    const reader = { caller: { role: "authenticated", sub: this.userIds[user] }, interests: [] };
    const page = { limit: size, served: emptyServedState() };
    const recommendation = await feedWithFallbacks(this.services, reader, page, "live");
    if (recommendation.feed.degraded) this.options.print(`degraded: ${recommendation.feed.degraded}`);
    await this.services.impressions.do([{ recommendation, userId: this.userIds[user] }]);
    return recommendation.feed.items.map(({ post_id }) => this.postNumbers.get(post_id) as number);
  }

  async night(): Promise<void> {
    await this.database.pool.query("select recsys_engine.make_impression_partitions()");
    this.nights++;
    await this.trainAndPublish();
  }

  async close(): Promise<void> {
    await this.scope[Symbol.asyncDispose]();
  }

  private async setClock(at: number): Promise<void> {
    await this.database.pool.query("update recsys.settings set clock_shift = now() - $1::timestamptz", [
      new Date(at).toISOString(),
    ]);
  }

  /** Writes what has happened by now, and gives new posts and people their vectors. */
  private async arrivals(now: number): Promise<void> {
    const { seed, people, writings } = this.world;
    const users = takeWhile(this.usersToCome, (user) => people[user].createdAt <= now);
    const posts = takeWhile(this.postsToCome, (post) => writings[post].createdAt <= now);
    const follows = takeWhile(this.follows, ({ at }) => at <= now);
    const happened = this.waiting.splice(0).map((happening) => ({
      happening,
      record: { user_id: people[happening.user].id, created_at: new Date(happening.at).toISOString() },
    }));
    const profiles = users.map((user) => profileOf(seed, people[user]));
    await this.write("users", profiles);
    const texts = posts.map((post) => postRecordOf(seed, writings[post], people[writings[post].author]));
    await this.write("posts", texts);
    const followed = follows.map((follow) => followRecordOf(follow, people));
    await this.write("follows", followed);
    const logins = happened.filter(({ happening }) => happening.what === "login").map(({ record }) => record);
    await this.write("logins", logins);
    const interactions = happened.flatMap(({ happening, record }) =>
      happening.what === "login"
        ? []
        : [{ ...record, post_id: writings[happening.post].id, ...recordOf(happening.what) }],
    );
    await this.write("interactions", interactions);
    if (users.length + posts.length > 0) while (await embedBatch(this.services));
  }

  private async write<Part extends BundlePart>(part: Part, records: RecordOf<Part>[]): Promise<void> {
    if (records.length === 0) return;
    const keys = (this.keys[part] as KeysOf<Part>)(records, [], part);
    await insertRecords(this.database.pool, part, records, keys);
  }

  private async rollUp(now: number): Promise<void> {
    await this.database.pool.query("select recsys.roll_up()");
    this.rolledUpAt = now;
  }

  private async trainAndPublish(): Promise<void> {
    const { database, options, folder } = this;
    await database.pool.query("select recsys.roll_up()");
    const active = await readWarmStart(database);
    const fromScratch = typeof active === "string" ? active : retrainFromScratchReason(active);
    const backend = await startBackend();
    const started = performance.now();
    const out = join(folder, `model-${this.nights}`);
    const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: options.print };
    await train(context, {
      seed: options.seed + this.nights,
      backend,
      learnedUntil: await settledUntil(database),
      folderOf: () => out,
      from: typeof active === "string" || fromScratch ? undefined : active,
    });
    const trained = performance.now();
    try {
      await publish(database, await readModelFolder(out), { activate: true });
    } catch (error) {
      options.print(`not published: ${(error as Error).message}`);
    }
    await rm(out, { recursive: true, force: true });
    options.print(
      `night ${this.nights}: trained ${fromScratch ? "from scratch" : "on"} in ${((trained - started) / 1000).toFixed(0)} s, published in ${((performance.now() - trained) / 1000).toFixed(0)} s`,
    );
  }
}

/** Takes those off the front of a list that fulfil a condition. */
function takeWhile<Item>(items: Item[], holds: (item: Item) => boolean): Item[] {
  const end = items.findIndex((item) => !holds(item));
  return items.splice(0, end < 0 ? items.length : end);
}

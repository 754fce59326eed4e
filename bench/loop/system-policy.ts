/**
 * The system as a policy: a database of its own, in which everything is written as an app would, `recommend` without HTTP, roll-ups and
 * re-embedding as pg_cron would call them, and a training each night. The engine's clock is the simulation's.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../db/connect.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import { insertFollows, insertInteractions, insertLogins, insertPosts, insertUsers } from "../../db/import/insert.ts";
import { externalUuid } from "../../db/import/known-ids.ts";
import { openPool } from "../../supabase/functions/_shared/database/pool.ts";
import { embedBatch } from "../../supabase/functions/_shared/embed/embed-batch.ts";
import type { Log } from "../../supabase/functions/_shared/http/log.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../supabase/functions/_shared/models/models.ts";
import { openFeedServices, type RecommendServices } from "../../supabase/functions/_shared/plug-ins/feed-services.ts";
import { nothingServed } from "../../supabase/functions/_shared/recommend/cursor.ts";
import { feedOf } from "../../supabase/functions/_shared/recommend/ladder.ts";
import { startBackend } from "../../trainer/engine/backend.ts";
import { readModelFolder } from "../../trainer/model-folder/model-folder.ts";
import { publish } from "../../trainer/publish/publish.ts";
import { createFollows, followRecordOf, type NewFollow } from "../../trainer/synthetic/follows.ts";
import { profileOf } from "../../trainer/synthetic/people.ts";
import type { Happening } from "../../trainer/synthetic/simulation.ts";
import type { World } from "../../trainer/synthetic/world.ts";
import { recordOf, writeWorld } from "../../trainer/synthetic/write-synthetic-community.ts";
import { textOf } from "../../trainer/synthetic/writings.ts";
import { settledUntil, train } from "../../trainer/train-into-folder.ts";
import { readWarmStart, whyFromScratch } from "../../trainer/warm-start.ts";
import { openFolder, openPostgres, openScope } from "../shared/place.ts";
import type { Policy } from "./closed-loop.ts";

/** Roll-ups are this far apart, in milliseconds of the simulation; pg_cron calls them every ten seconds, when hardly anything happens here. */
const rollUpEvery = 20 * 60_000;

interface SystemOptions {
  name: string;
  seed: number;
  /** Settings of recsys.settings, as SQL: `trial_place = 0`. */
  settings?: string | undefined;
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
  private nextUser = 0;
  private nextPost = 0;
  private follows: NewFollow[] = [];
  private usersInOrder: number[] = [];
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
    this.usersInOrder = order.filter((user) => world.people[user].createdAt > now);
    this.nextPost = world.writings.filter(({ createdAt }) => createdAt <= now).length;
    const { pool } = this.database;
    if (this.options.settings) await pool.query(`update recsys.settings set ${this.options.settings}`);
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
    const page = { limit: size, served: nothingServed() };
    const recommendation = await feedOf(this.services, reader, page, "live");
    if (recommendation.feed.degraded) this.options.print(`degraded: ${recommendation.feed.degraded}`);
    await this.services.impressions.do([{ recommendation, userId: this.userIds[user] }]);
    return recommendation.feed.items.map(({ post_id }) => this.postNumbers.get(post_id) as number);
  }

  async night(): Promise<void> {
    await this.database.pool.query("select recsys.make_impression_partitions()");
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
    const { world, database, userIds, postIds } = this;
    const client = await database.pool.connect();
    let arrived = false;
    try {
      const users: number[] = [];
      while (this.nextUser < this.usersInOrder.length) {
        const user = this.usersInOrder[this.nextUser];
        if (world.people[user].createdAt > now) break;
        users.push(user);
        this.nextUser++;
      }
      if (users.length > 0) {
        const records = users.map((user) => profileOf(world.seed, world.people[user]));
        await insertUsers(
          client,
          records,
          users.map((user) => userIds[user]),
        );
        arrived = true;
      }
      const posts: number[] = [];
      while (this.nextPost < world.writings.length && world.writings[this.nextPost].createdAt <= now)
        posts.push(this.nextPost++);
      if (posts.length > 0) {
        const records = posts.map((post) =>
          textOf(world.seed, world.writings[post], world.people[world.writings[post].author]),
        );
        const authors = posts.map((post) => userIds[world.writings[post].author]);
        await insertPosts(
          client,
          records,
          posts.map((post) => postIds[post]),
          authors,
        );
        arrived = true;
      }
      const later = this.follows.findIndex(({ at }) => at > now);
      const begun = this.follows.splice(0, later < 0 ? this.follows.length : later);
      if (begun.length > 0)
        await insertFollows(
          client,
          begun.map((follow) => followRecordOf(follow, world.people)),
          begun.map(({ user }) => userIds[user]),
          begun.map(({ target }) => userIds[target]),
        );
      const logins = this.waiting.filter(({ what }) => what === "login");
      if (logins.length > 0)
        await insertLogins(
          client,
          logins.map(({ at, user }) => ({ user_id: world.people[user].id, created_at: new Date(at).toISOString() })),
          logins.map(({ user }) => userIds[user]),
        );
      const interactions = this.waiting.filter((happening) => happening.what !== "login");
      if (interactions.length > 0)
        await insertInteractions(
          client,
          interactions.map(({ at, user, post, what }) => ({
            user_id: world.people[user].id,
            post_id: world.writings[post].id,
            ...recordOf(what),
            created_at: new Date(at).toISOString(),
          })),
          interactions.map(({ user }) => userIds[user]),
          interactions.map(({ post }) => postIds[post]),
        );
      this.waiting = [];
    } finally {
      client.release();
    }
    if (arrived) while (await embedBatch(this.services));
  }

  private async rollUp(now: number): Promise<void> {
    await this.database.pool.query("select recsys.roll_up()");
    this.rolledUpAt = now;
  }

  private async trainAndPublish(): Promise<void> {
    const { database, options, folder } = this;
    await database.pool.query("select recsys.roll_up()");
    const active = await readWarmStart(database);
    const fromScratch = typeof active === "string" ? active : whyFromScratch(active);
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

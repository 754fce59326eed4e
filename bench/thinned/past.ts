/** A database that holds of a community what existed at the instant of each request. The engine's clock is at that instant. */
import type { Database } from "../../db/connect.ts";
import { insertRecords } from "../../db/import/insert.ts";
import { openPool } from "../../supabase/functions/_shared/database/pool.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import type { Standing } from "../../supabase/functions/_shared/recommend/selection/selectable.ts";
import type { Community } from "../../trainer/data/replay/community.ts";
import type { CommunityEvent } from "../../trainer/evaluation/history/event-walk.ts";
import type { Recommender } from "../../trainer/evaluation/protocols/recommender.ts";

const rowsPerStatement = 5000;

/** It stands before the recommenders that ask it, recommends nothing, and brings the database up to each request. */
export class PastCommunity implements Recommender {
  readonly name: string;
  readonly database: Database;
  /** 1: the post waits (recsys_engine.listed_posts). */
  readonly waits: Uint8Array;
  /** Of each post that exists. */
  standings: (Standing | null)[] = [];
  newcomerShare = 1;
  /** As the functions connect. */
  readonly pool: ReturnType<typeof openPool>;
  private readonly community: Community;
  private readonly isGuarded: boolean;
  private readonly pending: CommunityEvent[] = [];
  private hasHistory = false;

  /** `isGuarded` false: as if newcomers were usual, so SQL limits none of their posts. */
  constructor(database: Database, community: Community, isGuarded: boolean) {
    this.pool = openPool(database.url, console.error, { max: 1 });
    this.name = isGuarded ? "database with guards" : "database without guards";
    this.database = database;
    this.community = community;
    this.isGuarded = isGuarded;
    this.waits = new Uint8Array(community.posts.ids.length);
  }

  observe(event: CommunityEvent): void {
    this.pending.push(event);
  }

  async scores(_user: number, at: number): Promise<void> {
    const events = this.pending.splice(0);
    if (!this.hasHistory) await this.begin(at);
    const written = events.filter((event) => event.type === "post");
    // a post is listed when it is written, so the clock is there
    const steps = this.hasHistory ? written.map((event) => [event]) : portions(written);
    for (const step of steps) {
      if (this.hasHistory) await this.setClock(step[0].at);
      await this.write(step);
    }
    for (const step of portions(events.filter((event) => event.type === "interaction"))) await this.act(step);
    await this.setClock(at);
    const { pool } = this.database;
    await pool.query("select recsys.roll_up($1)", [this.hasHistory ? 50_000 : null]);
    if (!this.isGuarded)
      await pool.query("update recsys_engine.usual_newcomers set share = 1, counted_at = recsys.clock()");
    if (!this.hasHistory) await pool.query("analyze");
    this.hasHistory = true;
    if (this.isGuarded) await this.readGuards();
  }

  private async begin(at: number): Promise<void> {
    const { ids, createdAt } = this.community.users;
    await this.setClock(at);
    await this.database.pool.query("update recsys.settings set requests_per_minute = null");
    await this.database.pool.query(
      "insert into public.profiles (id, created_at) select * from unnest($1::uuid[], $2::timestamptz[])",
      [ids, Array.from(createdAt, iso)],
    );
  }

  private async write(events: CommunityEvent[]): Promise<void> {
    const { users, posts } = this.community;
    const numbers = events.map(({ post }) => post);
    const records = numbers.map((post) => ({
      id: posts.ids[post],
      author_id: users.ids[posts.authors[post]] ?? null,
      title: posts.titles[post],
      description: posts.descriptions[post],
      tags: posts.tags[post],
      created_at: iso(posts.createdAt[post]),
    }));
    await insertRecords(this.database.pool, "posts", records, { external_id: records.map(({ id }) => id) });
  }

  private async act(events: CommunityEvent[]): Promise<void> {
    const { users, posts } = this.community;
    const records = events.map((event) => ({
      user_id: users.ids[event.user],
      post_id: posts.ids[event.post],
      kind: event.type === "post" ? kinds[0] : kinds[event.kind],
      created_at: iso(event.at),
    }));
    await insertRecords(this.database.pool, "interactions", records, { value: records.map(() => null) });
  }

  private async readGuards(): Promise<void> {
    const { rows } = await this.database.pool.query(
      `select recsys_engine.newcomer_share() as share,
        array(select post_id from recsys_engine.listed_posts where waits) as waiting,
        recsys_engine.post_columns(array(select (post_id, title, tags, author_id, created_at)::recsys_engine.post_row from recsys.source_posts)) as told`,
    );
    const { share, waiting, told } = rows[0];
    this.newcomerShare = share;
    const standings = new Map((told.post_id as string[]).map((id, i) => [id, told.standing[i] as Standing | null]));
    this.standings = this.community.posts.ids.map((id) => standings.get(id) ?? null);
    const waitingNow = new Set(waiting);
    for (const [post, id] of this.community.posts.ids.entries()) this.waits[post] = Number(waitingNow.has(id));
  }

  private async setClock(at: number): Promise<void> {
    await this.database.pool.query("update recsys.settings set clock_shift = now() - $1::timestamptz", [iso(at)]);
  }
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function portions<Item>(items: Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / rowsPerStatement) }, (_, i) =>
    items.slice(i * rowsPerStatement, (i + 1) * rowsPerStatement),
  );
}

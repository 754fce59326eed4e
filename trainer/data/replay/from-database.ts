/** Reads a community and its timeline from a database, in pages of a cursor, so that no result set is held as a whole. */
import { sql } from "kysely";
import type { PoolClient } from "pg";
import type { Database } from "../../../db/connect.ts";
import { readColumns, rows } from "../../../db/cursor.ts";
import type { OnProgress } from "../../../db/progress.ts";
import { call, run } from "../../../supabase/functions/_shared/database/database.ts";
import { db, instantOf, listOf, milliseconds, textOf } from "../../../supabase/functions/_shared/database/query.ts";
import { type Kind, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { readingLog } from "../../archive/read-archived.ts";
import { pickRows } from "./columns.ts";
import type { Community, FollowedTopics, Follows, Interactions, Posts, Users } from "./community.ts";
import { daysOfPages, readPages, type ShownPage } from "./pages.ts";
import { eventsOfPerson } from "./per-user-cap.ts";
import { readTimeline } from "./read-timeline.ts";
import { login, type Timeline } from "./timeline.ts";

/**
 * Interactions and logins that training holds in memory: 160 bytes each, 80 MB, for a community of any age. The ranker learns from the last
 * 6,000 requests, a few per cent of these; the towers from the first interactions, and more would not fit into a training's minutes.
 */
export const trainingEvents = 500_000;

/** Pages that are read of the exposure log: the ranker learns from 6,000 requests. */
const trainingPages = 12_000;

export interface LoadedCommunity {
  community: Community;
  timeline: Timeline;
  /** Recent impressions, in order of time; none where none are logged. */
  pages: ShownPage[];
}

/**
 * Reads the community in one snapshot, users and posts by time of creation. With `latest` only that many events are whole (fewer after pruning), plus
 * last states and 200 interactions a user: results = those of everything, but older posts may return. `ofPerson`: a person's latest events.
 */
export async function communityFromDatabase(
  database: Database,
  onProgress: OnProgress = () => {},
  latest = Number.POSITIVE_INFINITY,
  ofPerson = Number.isFinite(latest) ? eventsOfPerson : Number.POSITIVE_INFINITY,
): Promise<LoadedCommunity> {
  return await readingLog(database, { lastDays: daysOfPages, onProgress }, async (client, loadPromoted) => {
    const users = await readUsers(client);
    const userNumbers = new Map(users.ids.map((id, i) => [id, i]));
    const posts = await readPosts(client, userNumbers);
    // who wants no personalisation wrote posts, and nothing else of them is there
    for (const { user_id } of await run(
      client,
      db.selectFrom("recsys_engine.personalization_opt_outs").select("user_id"),
    )) {
      const user = userNumbers.get(user_id as string);
      if (user !== undefined) [users.passions[user], users.projects[user], users.bios[user]] = [[], [], ""];
      userNumbers.delete(user_id as string);
    }
    const numbers = { users: userNumbers, posts: new Map(posts.ids.map((id, i) => [id, i])) };
    const timeline = await readTimeline(client, numbers, { latest, ofPerson }, onProgress);
    const pages = await readPages(client, numbers, trainingPages);
    const graph = await readGraph(client, userNumbers);
    const topics = await readTopics(client, numbers);
    const pushed = await readPushed(client, numbers, timeline, loadPromoted);
    const [settings] = await run(client, db.selectFrom("recsys.settings").select("index_window_days"));
    const indexedDays = settings.index_window_days ?? undefined;
    return {
      community: { users, posts, interactions: interactionsOf(timeline), ...graph, ...topics, ...pushed, indexedDays },
      timeline,
      pages,
    };
  });
}

async function readUsers(client: PoolClient): Promise<Users> {
  const query = db
    .selectFrom("recsys.source_users")
    .select((user) => [
      "user_id as ids",
      sql<string>`coalesce(${user.ref("external_id")}, ${user.ref("user_id")}::text)`.as("externalIds"),
      listOf(user.ref("passions")).as("passions"),
      listOf(user.ref("projects")).as("projects"),
      textOf(user.ref("bio")).as("bios"),
      milliseconds(user.ref("created_at")).as("createdAt"),
    ]);
  const users = await readColumns(client, query.orderBy("created_at").orderBy("user_id"));
  return { ...users, createdAt: Float64Array.from(users.createdAt) };
}

async function readPosts(client: PoolClient, userNumbers: Map<string, number>): Promise<Posts> {
  const query = db
    .selectFrom("recsys.source_posts as posts")
    .leftJoin("recsys_engine.listed_posts as listed", "listed.post_id", "posts.post_id")
    .select((post) => [
      "posts.post_id as ids",
      sql<string>`coalesce(${post.ref("posts.external_id")}, ${post.ref("posts.post_id")}::text)`.as("externalIds"),
      "posts.author_id as authors",
      textOf(post.ref("posts.title")).as("titles"),
      textOf(post.ref("posts.description")).as("descriptions"),
      listOf(post.ref("posts.tags")).as("tags"),
      milliseconds(post.ref("posts.created_at")).as("createdAt"),
      sql<boolean>`coalesce(${post.ref("listed.waits")}, false)`.as("waits"),
    ])
    .select(({ exists, or, selectFrom }) => {
      const withheld = selectFrom("recsys.source_withheld as withheld").select("withheld.post_id");
      // two questions: joined by "or" within one no index would answer it
      return or([
        exists(withheld.whereRef("withheld.post_id", "=", "posts.post_id")),
        exists(withheld.whereRef("withheld.author_id", "=", "posts.author_id")),
      ]).as("withheld");
    });
  // of two posts of one instant SQL has the one with the lower id first among the newest
  const posts = await readColumns(client, query.orderBy("posts.created_at").orderBy("posts.post_id", "desc"));
  return {
    ...posts,
    authors: Int32Array.from(posts.authors, (author) => userNumbers.get(author) ?? -1),
    createdAt: Float64Array.from(posts.createdAt),
    withheld: Uint8Array.from(posts.withheld, Number),
    waits: Uint8Array.from(posts.waits, Number),
  };
}

/**
 * Interactions within a day of a promotion to the person: without it they might not have happened. Asked of first
 * interactions in the whole part of the timeline, so a promotion more than a day before that is not read.
 */
async function readPushed(
  client: PoolClient,
  numbers: { users: Map<string, number>; posts: Map<string, number> },
  { at, length, wholeFrom }: Timeline,
  loadPromoted: (since: number) => Promise<void>,
): Promise<Pick<Community, "pushed">> {
  if (wholeFrom >= length) return {};
  const since = at[wholeFrom] - 86_400_000;
  await loadPromoted(since);
  const query = db
    .selectFrom("recsys.impressions as shown")
    .innerJoin("recsys.source_interactions as acts", (join) =>
      join.onRef("acts.user_id", "=", "shown.user_id").onRef("acts.post_id", "=", "shown.post_id"),
    )
    .select(["shown.user_id", "shown.post_id"])
    .distinct()
    .where("shown.promotion_id", "is not", null)
    .where("shown.shown_at", ">=", instantOf(since))
    .whereRef("acts.created_at", ">", "shown.shown_at")
    .where((row) => sql<boolean>`${row.ref("acts.created_at")} <= ${row.ref("shown.shown_at")} + interval '1 day'`);
  const pushed = new Set<number>();
  for await (const { user_id, post_id } of rows(client, query)) {
    const [user, post] = [numbers.users.get(user_id), numbers.posts.get(post_id)];
    if (user !== undefined && post !== undefined) pushed.add(user * numbers.posts.size + post);
  }
  return pushed.size > 0 ? { pushed } : {};
}

/** People's follows, and what they may read of these; empty without follows. */
async function readGraph(
  client: PoolClient,
  userNumbers: Map<string, number>,
): Promise<Pick<Community, "follows" | "readable">> {
  const query = db
    .selectFrom("recsys.source_follows")
    .select((follow) => [
      "user_id as users",
      sql<string>`lower(${follow.ref("target")})`.as("people"),
      sql<number>`coalesce(${milliseconds(sql`max(${follow.ref("created_at")})`)}, '-infinity')`.as("at"),
    ])
    .where("kind", "=", "person")
    .groupBy(["user_id", sql`lower(target)`]);
  // of one instant the first in the order of ids comes last: it is the latest
  const read = await readColumns(client, query.orderBy("at").orderBy("people", "desc"));
  const users = Int32Array.from(read.users, (id) => userNumbers.get(id) ?? -1);
  const people = Int32Array.from(read.people, (id) => userNumbers.get(id) ?? -1);
  const known = Array.from(users.keys()).filter((i) => users[i] >= 0 && people[i] >= 0 && users[i] !== people[i]);
  if (known.length === 0) return {};
  const follows: Follows = pickRows({ users, people, at: Float64Array.from(read.at) }, known);
  const [{ kinds_read_of_followed: readable }] = await run(client, call("recsys_engine.kinds_read_of_followed", {}));
  return { follows, readable: (readable ?? []).map((kind) => kinds.indexOf(kind as Kind)) };
}

/** Followed topics and their posts; empty without any. */
async function readTopics(
  client: PoolClient,
  numbers: { users: Map<string, number>; posts: Map<string, number> },
): Promise<{ topics?: FollowedTopics }> {
  const query = db
    .selectFrom("recsys.source_follows")
    .select((follow) => [
      "user_id as users",
      sql<string>`left(lower(target), 100)`.as("topics"),
      sql<number>`coalesce(${milliseconds(follow.ref("created_at"))}, '-infinity')`.as("at"),
    ])
    .where("kind", "in", ["topic", "group"]);
  const read = await readColumns(
    client,
    query.orderBy("at").orderBy(sql`left(lower(target), 100) collate "C"`, "desc"),
  );
  const users = Int32Array.from(read.users, (id) => numbers.users.get(id) ?? -1);
  const known = Array.from(users.keys()).filter((i) => users[i] >= 0);
  if (known.length === 0) return {};
  const names = [...new Set(read.topics)];
  const topicNumbers = new Map(names.map((name, i) => [name, i]));
  const people = Int32Array.from(read.topics, (name) => topicNumbers.get(name) as number);
  const posts = names.map(() => [] as number[]);
  const tagged = db.selectFrom("recsys_engine.post_tags").select(["tag", "post_id"]).where("tag", "in", names);
  for await (const { tag, post_id } of rows(client, tagged)) {
    const post = numbers.posts.get(post_id as string);
    if (post !== undefined) posts[topicNumbers.get(tag as string) as number].push(post);
  }
  return {
    topics: {
      names,
      posts: posts.map((numbers) => Int32Array.from(numbers).sort()),
      follows: pickRows({ users, people, at: Float64Array.from(read.at) }, known),
    },
  };
}

function interactionsOf(timeline: Timeline): Interactions {
  const { users, posts, kinds, at, first, history, wholeFrom } = timeline;
  const kept = Uint32Array.from({ length: timeline.length }, (_, i) => i).filter(
    (i) => kinds[i] !== login && (i < history || i >= wholeFrom),
  );
  return pickRows({ users, posts, kinds, at, first }, kept);
}

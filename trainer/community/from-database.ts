/** Reads a community and its timeline from a database, in pages of a cursor, so that no result set is held as a whole. */
import type { PoolClient } from "pg";
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import type { Community, Posts, Users } from "./community.ts";
import { milliseconds, rows } from "./cursor.ts";
import { readTimeline } from "./read-timeline.ts";
import { login, type Timeline } from "./timeline.ts";

/**
 * Interactions and logins that training holds in memory: 160 bytes each, 80 MB, whatever a community has gathered over the
 * years. The ranker learns from the last 6,000 requests, which are a few per cent of these; the towers from the first
 * interactions among these, and more would not fit into the minutes a training may take.
 */
export const trainingEvents = 500_000;

export interface LoadedCommunity {
  community: Community;
  timeline: Timeline;
}

/**
 * The community, users and posts numbered by time of creation, as of one snapshot of the database. With `latest`, only that
 * many events are read as a whole, and of those before what the ones behind need: the last state of each post and user, and
 * the last 200 interactions of each user. Then candidates and features at an instant of the part read as a whole are what
 * they are with everything, but for one thing: what a user did earlier than those 200 is forgotten, so such a post may be a
 * candidate again, and its author counts for less. Counts, habits, words and histories are exact.
 */
export async function communityFromDatabase(
  database: Database,
  onProgress: OnProgress = () => {},
  latest = Number.POSITIVE_INFINITY,
): Promise<LoadedCommunity> {
  const client = await database.pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const users = await readUsers(client);
    const userNumbers = new Map(users.ids.map((id, i) => [id, i]));
    const posts = await readPosts(client, userNumbers);
    const numbers = { users: userNumbers, posts: new Map(posts.ids.map((id, i) => [id, i])) };
    const timeline = await readTimeline(client, numbers, latest, onProgress);
    await client.query("commit");
    return { community: { users, posts, interactions: interactionsOf(timeline) }, timeline };
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

async function readUsers(client: PoolClient): Promise<Users> {
  const users = {
    ids: [] as string[],
    externalIds: [] as string[],
    passions: [] as string[][],
    projects: [] as string[][],
    bios: [] as string[],
  };
  const createdAt: number[] = [];
  const query = `select user_id, coalesce(external_id, user_id::text) as external_id, passions, projects, bio,
    ${milliseconds("created_at")} as created_at from recsys.source_users order by created_at, user_id`;
  for await (const row of rows(client, query)) {
    users.ids.push(row.user_id);
    users.externalIds.push(row.external_id);
    users.passions.push(row.passions);
    users.projects.push(row.projects);
    users.bios.push(row.bio);
    createdAt.push(row.created_at);
  }
  return { ...users, createdAt: Float64Array.from(createdAt) };
}

async function readPosts(client: PoolClient, userNumbers: Map<string, number>): Promise<Posts> {
  const posts = {
    ids: [] as string[],
    externalIds: [] as string[],
    titles: [] as string[],
    descriptions: [] as string[],
    tags: [] as string[][],
  };
  const authors: number[] = [];
  const createdAt: number[] = [];
  const query = `select post_id, coalesce(external_id, post_id::text) as external_id, author_id, title, description, tags,
    ${milliseconds("created_at")} as created_at from recsys.source_posts order by created_at, post_id`;
  for await (const row of rows(client, query)) {
    posts.ids.push(row.post_id);
    posts.externalIds.push(row.external_id);
    posts.titles.push(row.title);
    posts.descriptions.push(row.description);
    posts.tags.push(row.tags);
    authors.push(row.author_id === null ? -1 : (userNumbers.get(row.author_id) ?? -1));
    createdAt.push(row.created_at);
  }
  return { ...posts, authors: Int32Array.from(authors), createdAt: Float64Array.from(createdAt) };
}

function interactionsOf(timeline: Timeline): Community["interactions"] {
  const { history, wholeFrom } = timeline;
  const kept = Uint32Array.from({ length: timeline.length }, (_, i) => i).filter(
    (i) => timeline.kinds[i] !== login && (i < history || i >= wholeFrom),
  );
  return {
    users: Int32Array.from(kept, (i) => timeline.users[i]),
    posts: Int32Array.from(kept, (i) => timeline.posts[i]),
    kinds: Uint8Array.from(kept, (i) => timeline.kinds[i]),
    at: Float64Array.from(kept, (i) => timeline.at[i]),
  };
}

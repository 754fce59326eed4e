/** Reads a community and its timeline from a database, in pages of a cursor, so that no result set is held as a whole. */
import type { PoolClient } from "pg";
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { type Community, kinds, type Posts, type Users } from "./community.ts";
import { login, Timeline } from "./timeline.ts";

const page = 10_000;

export interface LoadedCommunity {
  community: Community;
  timeline: Timeline;
}

/** The whole community, users and posts numbered by time of creation, as of one snapshot of the database. */
export async function communityFromDatabase(
  database: Database,
  onProgress: OnProgress = () => {},
): Promise<LoadedCommunity> {
  const client = await database.pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const users = await readUsers(client);
    const userNumbers = new Map(users.ids.map((id, i) => [id, i]));
    const posts = await readPosts(client, userNumbers);
    const timeline = await readTimeline(client, userNumbers, new Map(posts.ids.map((id, i) => [id, i])), onProgress);
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

async function readTimeline(
  client: PoolClient,
  userNumbers: Map<string, number>,
  postNumbers: Map<string, number>,
  onProgress: OnProgress,
): Promise<Timeline> {
  const timeline = new Timeline();
  const { rows: counted } = await client.query("select count(*)::integer as total from recsys.user_stats");
  const five = (array: string) => [1, 2, 3, 4, 5].map((i) => `${array}[${i}] as ${array}_${i}`).join(", ");
  const query = `select ${milliseconds("at")} as at, user_id, post_id, kind, ${milliseconds("last_comment_at")} as last_comment_at,
    post_views, post_votes, post_comments, participants, by_author::integer, ${five("post_recent")},
    user_views, user_votes, user_comments, logins, habit_log_age, habit_log_idle, ${five("user_recent")}, ${five("recent_logins")}
    from recsys.timeline order by timeline.at, sort_id`;
  const recent = (row: Row, name: string) => [1, 2, 3, 4, 5].map((i) => row[`${name}_${i}`]);
  for await (const row of rows(client, query)) {
    const post = row.post_id === null ? -1 : postNumbers.get(row.post_id);
    const user = userNumbers.get(row.user_id);
    // somebody whose profile or post the source views no longer show
    if (post === undefined || user === undefined) continue;
    timeline.push({
      at: row.at,
      user,
      post,
      kind: row.kind === "login" ? login : kinds.indexOf(row.kind),
      lastCommentAt: row.last_comment_at ?? Number.NaN,
      postStats:
        post < 0
          ? []
          : [
              row.post_views,
              row.post_votes,
              row.post_comments,
              row.participants,
              row.by_author,
              ...recent(row, "post_recent"),
            ],
      userStats: [
        row.user_views,
        row.user_votes,
        row.user_comments,
        row.logins,
        row.habit_log_age ?? Number.NaN,
        row.habit_log_idle ?? Number.NaN,
        ...recent(row, "user_recent"),
        ...recent(row, "recent_logins"),
      ],
    });
    if (timeline.length % page === 0)
      onProgress({ step: "reading the timeline", done: timeline.length, total: counted[0].total });
  }
  onProgress({ step: "reading the timeline", done: counted[0].total, total: counted[0].total });
  return timeline;
}

function interactionsOf(timeline: Timeline): Community["interactions"] {
  const kept = Array.from({ length: timeline.length }, (_, i) => i).filter((i) => timeline.kinds[i] !== login);
  return {
    users: Int32Array.from(kept, (i) => timeline.users[i]),
    posts: Int32Array.from(kept, (i) => timeline.posts[i]),
    kinds: Uint8Array.from(kept, (i) => timeline.kinds[i]),
    at: Float64Array.from(kept, (i) => timeline.at[i]),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of a row is that of its query
type Row = any;

/** The rows of a query through a server-side cursor; plain SQL, so it works over the embedded database's socket too. */
async function* rows(client: PoolClient, query: string): AsyncGenerator<Row> {
  await client.query(`declare pages no scroll cursor for ${query}`);
  for (;;) {
    const { rows: found } = await client.query(`fetch ${page} from pages`);
    yield* found;
    if (found.length < page) break;
  }
  await client.query("close pages");
}

function milliseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::double precision`;
}

/** Reads a community and its timeline from a database, in pages of a cursor, so that no result set is held as a whole. */
import type { PoolClient } from "pg";
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { type Community, kinds, type Posts, type Users } from "./community.ts";
import { login, Timeline, type TimelineEvent } from "./timeline.ts";

const page = 10_000;

/**
 * Interactions and logins that training holds in memory: 160 bytes each, 80 MB, whatever a community has gathered over the
 * years. The ranker learns from the last 6,000 requests, which are a few per cent of these; the towers from the first
 * touches among these, and more would not fit into the minutes a training may take.
 */
export const trainingEvents = 500_000;

/** Of the time before those, a user's history goes back this far: what recsys.user_history and user_touches look at. */
const historyEvents = 200;

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

interface Numbers {
  users: Map<string, number>;
  posts: Map<string, number>;
}

async function readTimeline(
  client: PoolClient,
  numbers: Numbers,
  latest: number,
  onProgress: OnProgress,
): Promise<Timeline> {
  const timeline = new Timeline();
  const { rows: counted } = await client.query("select count(*)::integer as total from recsys.user_stats");
  const total = Math.min(latest, counted[0].total);
  if (latest < counted[0].total) {
    const start = await startOf(client, latest);
    await readHistory(client, timeline, numbers, start);
    await readStates(client, timeline, numbers, lastEventsBefore(start));
    timeline.wholeFrom = timeline.length;
    await readStates(client, timeline, numbers, `recsys.timeline where (timeline.at, sort_id) >= ${start}`, progress);
  } else {
    await readStates(client, timeline, numbers, "recsys.timeline", progress);
  }
  function progress(done: number): void {
    onProgress({ step: "reading the timeline", done, total });
  }
  progress(total);
  return timeline;
}

/** Where the last `count` events begin, as a row of SQL: (at, sort_id). */
async function startOf(client: PoolClient, count: number): Promise<string> {
  const { rows: found } = await client.query(
    "select at::text, sort_id from recsys.user_stats order by user_stats.at desc, sort_id desc offset $1 limit 1",
    [count - 1],
  );
  return `('${found[0].at}'::timestamptz, ${found[0].sort_id})`;
}

/** The last interactions of each user before `start`, with what they found when they came. */
async function readHistory(client: PoolClient, timeline: Timeline, numbers: Numbers, start: string): Promise<void> {
  const query = `
    select ${milliseconds("at")} as at, user_id, post_id, kind, ${milliseconds("found_at")} as found_at, found_comments
    from (
      select *, row_number() over (partition by user_id order by at desc, sort_id desc) as place
      from (
        select timeline.at, sort_id, user_id, post_id, kind,
          lag(timeline.at) over post as found_at, lag(post_comments) over post as found_comments
        from recsys.timeline
        where post_id is not null and (timeline.at, sort_id) < ${start}
        window post as (partition by post_id order by timeline.at, sort_id)
      ) as touches
    ) as placed
    where place <= ${historyEvents} order by placed.at, sort_id`;
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (event)
      timeline.pushHistory({ ...event, foundAt: row.found_at ?? Number.NaN, foundComments: row.found_comments ?? 0 });
  }
}

/** The last event of each post and of each user before `start`. */
function lastEventsBefore(start: string): string {
  return `(
    select event_id from (
      select distinct on (post_id) event_id from recsys.timeline
      where post_id is not null and (timeline.at, sort_id) < ${start}
      order by post_id, timeline.at desc, sort_id desc
    ) as of_posts
    union
    select event_id from (
      select distinct on (user_id) event_id from recsys.timeline
      where (timeline.at, sort_id) < ${start}
      order by user_id, timeline.at desc, sort_id desc
    ) as of_users
  ) as latest join recsys.timeline using (event_id)`;
}

/** Events of recsys.timeline with the state they left, in order of time. */
async function readStates(
  client: PoolClient,
  timeline: Timeline,
  numbers: Numbers,
  from: string,
  progress: (done: number) => void = () => {},
): Promise<void> {
  const five = (array: string) => [1, 2, 3, 4, 5].map((i) => `${array}[${i}] as ${array}_${i}`).join(", ");
  const query = `select ${milliseconds("at")} as at, user_id, post_id, kind, ${milliseconds("last_comment_at")} as last_comment_at,
    post_views, post_votes, post_comments, participants, by_author::integer, ${five("post_recent")},
    user_views, user_votes, user_comments, logins, habit_log_age, habit_log_idle, ${five("user_recent")}, ${five("recent_logins")}
    from ${from} order by timeline.at, sort_id`;
  const recent = (row: Row, name: string) => [1, 2, 3, 4, 5].map((i) => row[`${name}_${i}`]);
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (!event) continue;
    timeline.push({
      ...event,
      lastCommentAt: row.last_comment_at ?? Number.NaN,
      postStats:
        event.post < 0
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
    if (timeline.length % page === 0) progress(timeline.length - timeline.wholeFrom);
  }
}

/** undefined: of somebody whose profile or post the source views no longer show. */
function eventOf(row: Row, { users, posts }: Numbers): TimelineEvent | undefined {
  const post = row.post_id === null ? -1 : posts.get(row.post_id);
  const user = users.get(row.user_id);
  if (post === undefined || user === undefined) return undefined;
  return { at: row.at, user, post, kind: row.kind === "login" ? login : kinds.indexOf(row.kind) };
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

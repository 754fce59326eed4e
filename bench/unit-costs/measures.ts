/** The costs of one of each: what they ask of the database is what the functions and schedules ask. */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { startGateway } from "../../serve/gateway.ts";
import {
  createImpressionLogger,
  type LoggedFeed,
} from "../../supabase/functions/_shared/recommend/logging/impression-logger.ts";
import { person, post, stateTables } from "../shared/generated-community.ts";
import type { CostedCommunity } from "./community.ts";
import { type Cost, costOf, rounded } from "./meter.ts";

type Measured = Cost & { /** Stored, or for a feed answered. */ bytes: number };

const feeds = 200;

/** Requests feeds of 20 posts over HTTP for users who asked before, and logs the impressions. */
export async function measureFeeds(database: Database, { users }: CostedCommunity, folder: string): Promise<Measured> {
  const gateway = await startGateway({ databaseUrl: database.url, port: 0, folder });
  let bytes = 0;
  const ask = async (number: number) => {
    const response = await fetch(`${gateway.url}/functions/v1/recommend`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${await gateway.tokenOf(users[number % 100])}`,
        "content-type": "application/json",
      },
      body: '{"limit":20}',
    });
    const text = await response.text();
    if (response.status !== 200 || JSON.parse(text).items.length !== 20)
      throw new Error(`${response.status} ${text.slice(0, 300)}`);
    bytes += text.length;
  };
  try {
    for (let number = 0; number < 100; number++) await ask(number);
    bytes = 0;
    const cost = await costOf(database, feeds, async () => {
      for (let number = 0; number < feeds; number++) await ask(number);
    });
    return { ...cost, bytes: Math.round(bytes / feeds) };
  } finally {
    await gateway.stop();
  }
}

const eventsTogether = 100;
const batches = 50;

/** Views, votes and comments in batches of 100, as the function `events` writes them, and roll-ups of five batches each. */
export async function measureEvents(
  database: Database,
  { posts, interactions }: CostedCommunity,
): Promise<{ event: Measured; rollUp: Measured }> {
  const { pool } = database;
  const bytesOf = async (tables: string[]) => {
    const { rows } = await pool.query(
      "select sum(pg_total_relation_size(name::regclass))::float8 as bytes from unnest($1::text[]) as name",
      [tables],
    );
    return Math.round(rows[0].bytes / interactions);
  };
  const bytes = {
    event: await bytesOf(["public.post_views", "public.post_votes", "public.comments"]),
    rollUp: await bytesOf(stateTables),
  };
  const session = await pool.connect();
  const people = Math.ceil(interactions / 60);
  const shares = { post_views: 80, post_votes: 10, comments: 10 };
  const sendBatch = async () => {
    for (const [table, count] of Object.entries(shares))
      await session.query(
        `insert into public.${table} (user_id, post_id) select ${person(`floor(random() * ${people})`)}, ${post(`floor(random() ^ 3 * ${posts})`)}
         from generate_series(1, ${count}) on conflict do nothing`,
      );
  };
  await sendBatch();
  await session.query("select recsys.roll_up()");
  const event = await costOf(database, batches * eventsTogether, async () => {
    for (let batch = 0; batch < batches; batch++) await sendBatch();
  });
  await session.query("select recsys.roll_up(null)");
  let taken = 0;
  let rollUp: Cost = { processor: 0, found: 0, read: 0 };
  const waiting: Cost[] = [];
  // what is queued is worked off alone: the sending is not measured
  for (let run = 0; run < 3; run++) {
    for (let batch = 0; batch < 5; batch++) await sendBatch();
    taken = 5 * eventsTogether;
    waiting.push(await costOf(database, taken, async () => void (await session.query("select recsys.roll_up()"))));
  }
  rollUp = waiting.toSorted((a, b) => a.processor - b.processor)[1];
  session.release();
  return { event: { ...event, bytes: bytes.event }, rollUp: { ...rollUp, bytes: bytes.rollUp } };
}

/** Vectors of new posts, one a statement as the function `embed` has them when people write one after the other. */
export async function measureVectors(
  database: Database,
  { posts, indexed, modelId }: CostedCommunity,
): Promise<Measured & { indexBytes: number }> {
  const { pool } = database;
  const vectors = `recsys_engine.post_embeddings_${modelId}`;
  const { rows } = await pool.query(
    `select pg_total_relation_size('${vectors}')::float8 as bytes, pg_relation_size('${vectors}_embedding_idx')::float8 as index`,
  );
  const session = await pool.connect();
  const count = 500;
  const cost = await costOf(database, count, () => insertLike(session, vectors, count));
  session.release();
  const [all, index] = [rows[0].bytes, rows[0].index];
  const ofIndex = index / indexed;
  return { ...cost, bytes: Math.round((all - index) / posts + ofIndex), indexBytes: Math.round(ofIndex) };
}

/** Near to vectors that are there: the new posts are about what the others are about. */
async function insertLike(session: pg.ClientBase, vectors: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++)
    await session.query(
      `insert into ${vectors} (model_id, post_id, embedding)
       select model_id, gen_random_uuid(), extensions.l2_normalize(embedding operator(extensions.+) (select array_agg(random_normal(0, 0.05)) from generate_series(1, 32))::extensions.vector)
       from ${vectors} where post_id = ${post(String(n))}`,
    );
}

const shownFeeds = 500;

/** The impressions of feeds of 20 posts, 25 feeds a statement, with the features as served. */
export async function measureImpressions(
  database: Database,
  { users, modelId, posts }: CostedCommunity,
): Promise<Measured> {
  const { pool } = database;
  const log = createImpressionLogger(pool);
  const items = (feed: number) =>
    Array.from({ length: 20 }, (_, i) => ({
      post_id: uuidOf((feed * 20 + i) % posts),
      position: i + 1,
      score: 0.1,
      source: "similar",
      why: { kind: "similar" },
      predictions: { view: 0.1, vote: 0.02, comment: 0.01 },
    }));
  const shown = (feed: number) =>
    ({
      userId: users[feed % users.length],
      recommendation: {
        feed: {
          request_id: crypto.randomUUID(),
          items: items(feed),
          mode: "live",
          model: { id: modelId },
          degraded: null,
        },
        shownAt: new Date(),
        features: Array.from({ length: 20 }, () => Array.from({ length: 62 }, (_, f) => f / 7)),
        propensities: Array.from({ length: 20 }, () => null),
        label: null,
      },
    }) as unknown as LoggedFeed;
  const ids = await pool.query(
    `select ${post("n")} as id from generate_series(0, ${Math.min(posts, 20 * shownFeeds) - 1}) as n`,
  );
  const uuidOf = (n: number) => ids.rows[n % ids.rows.length].id;
  const size = async () =>
    Number(
      (
        await pool.query(
          "select sum(pg_total_relation_size(relid)) as bytes from pg_partition_tree('recsys.impressions')",
        )
      ).rows[0].bytes,
    );
  const rowsOf = async () => Number((await pool.query("select count(*) from recsys.impressions")).rows[0].count);
  const [before, rowsBefore] = [await size(), await rowsOf()];
  const cost = await costOf(database, 20 * shownFeeds, async () => {
    for (let feed = 0; feed < shownFeeds; feed += 25)
      await log.do(Array.from({ length: 25 }, (_, i) => shown(feed + i)));
  });
  const written = (await rowsOf()) - rowsBefore;
  if (written !== 20 * shownFeeds) throw new Error(`${written} impressions were written`);
  return { ...cost, bytes: rounded(((await size()) - before) / written) };
}

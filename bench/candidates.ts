/**
 * What recsys.retrieve and recsys.post_states cost at 100,000 posts, on the first page of a feed and on later ones:
 * `npm run bench:candidates`. The community is made up in SQL: 12,000 people and 600,000 interactions over 90 days. Asked as a function
 * asks, under the person's own role. Processor time is the database session's, whatever else the machine does. Needs a PostgreSQL.
 */
import { loadavg } from "node:os";
import type pg from "pg";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { Random } from "../trainer/engine/random.ts";
import { vectorAt } from "../trainer/engine/vector-at.ts";
import { activateModel, fill, person, topicVectors } from "./made-up-community.ts";
import { processorTime } from "./processor-time.ts";

const size = { people: 12_000, posts: 100_000, interactions: 600_000, days: 90 };
const retrieve = "recsys.retrieve($1::uuid, $2::bigint, $3::text::extensions.vector, $4::timestamptz, 1, $5::bigint[])";
/** The first requests fill the caches. */
const warmUps = 10;

const server = await testServer();
if (!server) throw new Error("needs a PostgreSQL: npm run setup:postgres");
const database = await openPostgresCopy(server, "candidates");
try {
  const { pool } = database;
  await fill(pool, size);
  console.log(`filled, load ${loadavg()[0].toFixed(1)}`);
  const vectors = topicVectors(new Random(1), size.posts);
  const modelId = await activateModel(database, vectors);
  for (const [name, ago, requests, served] of [
    ["now", "0 days", 100, 0],
    ["after 100 posts", "0 days", 50, 100],
    ["after 1,000 posts", "0 days", 50, 1000],
    ["after 1,900 posts", "0 days", 50, 1900],
    ["30 days ago", "30 days", 20, 0],
  ] as const)
    await measure(pool, modelId, vectors, { name, ago, requests, served });
} finally {
  await database.close();
}

interface Asked {
  name: string;
  /** How long before now the instant is, as an interval. */
  ago: string;
  requests: number;
  /** How many posts earlier pages served. */
  served: number;
}

/** Each request is another person's, all in one session, so that its processor time is that of the requests. */
async function measure(pool: pg.Pool, modelId: number, vectors: Float32Array, { name, ago, requests, served }: Asked) {
  const client = await pool.connect();
  const { rows: sessions } = await client.query("select pg_backend_pid() as process");
  const times: number[] = [];
  let found = 0;
  let processor = 0;
  for (let i = -warmUps; i < requests; i++) {
    const { rows } = await client.query(`select ${person("$1::integer")} as id, now() - $2::interval as now`, [
      (97 * (i + warmUps)) % size.people,
      ago,
    ]);
    const { id, now } = rows[0];
    await client.query("begin read only");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: id, role: "authenticated" }),
    ]);
    const asked = [id, modelId, JSON.stringify([...vectorAt(vectors, i + warmUps)]), now];
    const keys = await scrolled(client, asked, served);
    const before = await processorTime(sessions[0].process);
    const started = performance.now();
    const { rowCount } = await client.query(
      `with found as materialized (select * from ${retrieve})
       select * from recsys.post_states($2::bigint, (select array_agg(found.post_id) from found), $4::timestamptz)`,
      [...asked, keys],
    );
    if (i >= 0) {
      times.push(performance.now() - started);
      processor += ((await processorTime(sessions[0].process)) - before) / requests;
    }
    found = rowCount ?? 0;
    await client.query("commit");
  }
  client.release();
  times.sort((a, b) => a - b);
  const figures = [
    `median ${times[requests >> 1].toFixed(1)} ms`,
    `95 % ${times[Math.floor(0.95 * requests)].toFixed(1)} ms`,
    `processor ${processor.toFixed(1)} ms`,
    `${found} candidates`,
  ];
  console.log([name, ...figures, `load ${loadavg()[0].toFixed(1)}`].join(" | "));
}

/** The keys of what pages of 100 serve, those that a source ranks best first. */
async function scrolled(client: pg.PoolClient, asked: unknown[], posts: number): Promise<string[]> {
  const keys: string[] = [];
  while (keys.length < posts) {
    const { rows } = await client.query(
      `select recsys.served_key(found.post_id, 1) as key from ${retrieve} as found
       order by least(similar_rank, active_rank, fresh_rank, trending_rank, followed_rank), post_id limit 100`,
      [...asked, keys],
    );
    keys.push(...rows.map(({ key }) => key));
  }
  return keys;
}

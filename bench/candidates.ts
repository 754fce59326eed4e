/**
 * What recsys.candidates costs at 100,000 posts: `npm run bench:candidates`. The community is made up in SQL: 12,000 people,
 * 600,000 interactions over 90 days, a few posts far more popular than the rest, every tenth post private, a model with random
 * vectors. Asked as a function asks: as the person's own role, each request another person's. Needs a PostgreSQL.
 */
import { loadavg } from "node:os";
import type pg from "pg";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { publishVectors, unitVectors } from "../trainer/community/testing.ts";
import { Random } from "../trainer/engine/random.ts";
import { vectorAt } from "../trainer/engine/vector-at.ts";

const size = { people: 12_000, posts: 100_000, interactions: 600_000, days: 90 };
const requests = 100;

/** The id of the person or post of a number, as SQL. */
const person = (n: string) => `md5('person ' || ${n})::uuid`;
const post = (n: string) => `md5('post ' || ${n})::uuid`;
const somebody = person(`floor(random() * ${size.people})`);
const at = `now() - random() * interval '${size.days} days'`;

const server = await testServer();
if (!server) throw new Error("needs a PostgreSQL: npm run setup:postgres");
const database = await openPostgresCopy(server, "candidates");
try {
  const { pool } = database;
  await fill(pool);
  console.log(`filled, load ${loadavg()[0].toFixed(1)}`);
  const random = new Random(1);
  const { rows } = await pool.query("select id from public.posts order by id");
  const vectors = unitVectors(random, rows.length);
  const ids = rows.map(({ id }) => id);
  const modelId = await publishVectors(database, ids, vectors);
  await pool.query("vacuum analyze");
  await pool.query("checkpoint");
  const now = await instants(pool);
  for (const [name, instant] of Object.entries(now)) {
    const times: number[] = [];
    let found = 0;
    for (let i = 0; i < requests + 10; i++) {
      const asked = await ask(pool, random.below(size.people), modelId, vectorAt(vectors, i), instant);
      // the first ones fill the caches
      if (i >= 10) times.push(asked.milliseconds);
      found = asked.candidates;
    }
    times.sort((a, b) => a - b);
    const [middle, most] = [times[requests >> 1], times[Math.floor(0.95 * requests)]];
    console.log(
      `${name} | median ${middle.toFixed(1)} ms | 95 % ${most.toFixed(1)} ms | ${found} candidates | load ${loadavg()[0].toFixed(1)}`,
    );
  }
} finally {
  await database.close();
}

/** Without the triggers; then every post is queued, as after an import. */
async function fill(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  await client.query("select setseed(0.5)");
  await client.query("set session_replication_role = replica");
  await client.query(
    `insert into public.profiles (id, created_at) select ${person("n")}, now() - interval '${size.days} days' from generate_series(0, ${size.people - 1}) as n`,
  );
  await client.query(
    `insert into public.posts (id, author_id, title, tags, visibility, created_at)
     select ${post("n")}, ${somebody}, 'what this post is about, in a line of text, number ' || n, array['topic ' || n % 50, 'topic ' || n % 7],
       case when n % 10 = 0 then 'private' else 'public' end, ${at}
     from generate_series(0, ${size.posts - 1}) as n`,
  );
  const shares = { post_views: 0.8, post_votes: 0.1, comments: 0.1 };
  for (const [table, share] of Object.entries(shares))
    await client.query(
      `insert into public.${table} (user_id, post_id, created_at)
       select ${somebody}, ${post(`floor(random() ^ 3 * ${size.posts})`)}, ${at} from generate_series(1, ${share * size.interactions})`,
    );
  await client.query("set session_replication_role = default");
  await client.query(
    "insert into recsys.feature_changes (post_id) select id from public.posts; insert into recsys.feature_changes (user_id) select id from public.profiles",
  );
  await client.query("analyze");
  await client.query("select recsys.roll_up(null)");
  client.release();
}

async function instants(pool: pg.Pool): Promise<Record<string, Date>> {
  const { rows } = await pool.query("select now() as now, now() - interval '30 days' as past");
  return { now: rows[0].now, "30 days ago": rows[0].past };
}

async function ask(pool: pg.Pool, number: number, modelId: number, vector: Float32Array, now: Date) {
  const client = await pool.connect();
  const { rows } = await client.query(`select ${person("$1::integer")} as id`, [number]);
  const userId: string = rows[0].id;
  await client.query("begin read only");
  await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
    JSON.stringify({ sub: userId, role: "authenticated" }),
  ]);
  const started = performance.now();
  const { rowCount } = await client.query(
    "select * from recsys.candidates($1::uuid, $2::bigint, $3::text::extensions.vector, $4::timestamptz)",
    [userId, modelId, JSON.stringify([...vector]), now],
  );
  const milliseconds = performance.now() - started;
  await client.query("commit");
  client.release();
  return { milliseconds, candidates: rowCount ?? 0 };
}

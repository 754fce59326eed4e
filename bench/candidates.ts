/**
 * What recsys.candidates costs at 100,000 posts: `npm run bench:candidates`. The community is made up in SQL: 12,000 people,
 * 600,000 interactions over 90 days, a few posts far more popular than the rest, every tenth post private, a model with random
 * vectors. Asked as a function asks, under the person's own role; with filters, among them a tag that one post in a thousand has, and by
 * people who muted as much as one can. Processor time is the database session's, whatever else the
 * machine does. Needs a PostgreSQL.
 */
import { loadavg } from "node:os";
import type pg from "pg";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import type { FeedFilter } from "../supabase/functions/_shared/recommend/filter.ts";
import { publishVectors, unitVectors } from "../trainer/community/testing.ts";
import { Random } from "../trainer/engine/random.ts";
import { vectorAt } from "../trainer/engine/vector-at.ts";
import { processorTime } from "./processor-time.ts";

const size = { people: 12_000, posts: 100_000, interactions: 600_000, days: 90 };
/** The first requests fill the caches. */
const warmUps = 10;

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
  const now = { ago: "0 days", requests: 100, filter: null };
  const authors = await pool.query("select author_id as id from public.posts order by id limit 3");
  const author_ids = authors.rows.map(({ id }) => id);
  const common = { tags: ["topic 1"], languages: ["en"] };
  const cases: Asked[] = [
    { ...now, name: "now" },
    { ...now, name: "30 days ago", ago: "30 days", requests: 20 },
    { ...now, name: "tag of 0.1 %", filter: { tags: ["rare"] } },
    { ...now, name: "tag of 0.1 %, old posts only", filter: { tags: ["old"] } },
    { ...now, name: "tag of nobody", filter: { tags: ["nobody's"] } },
    { ...now, name: "tag of 16 %", filter: { tags: ["topic 1"] } },
    { ...now, name: "tag of 16 %, language of 1 %", filter: { tags: ["topic 1"], languages: ["fr"] } },
    { ...now, name: "tag of 16 %, language of 90 %", filter: common },
    { ...now, name: "language of 1 %", filter: { languages: ["fr"] } },
    { ...now, name: "language of 90 %", filter: { languages: ["en"] } },
    { ...now, name: "three authors", filter: { author_ids } },
    { ...now, name: "a day old at most", filter: { max_age_days: 1 } },
    { ...now, name: "60 days old at most", filter: { max_age_days: 60 } },
  ];
  for (const asked of cases) await measure(pool, modelId, vectors, asked);
  await muteMuch(pool);
  await measure(pool, modelId, vectors, { ...now, name: "100 words, 100 topics and 10,000 people muted" });
  await pool.query("delete from public.mutes where kind <> 'word' or value > 'word 14'");
  await measure(pool, modelId, vectors, { ...now, name: "5 words muted" });
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
    `insert into public.posts (id, author_id, title, tags, visibility, language, created_at)
     select ${post("n")}, ${somebody}, 'what this post is about, in a line of text, number ' || n,
       array['topic ' || n % 50, 'topic ' || n % 7] || case when n % 1000 = 1 then '{rare}' when n % 1000 = 2 then '{old}' else '{}' end::text[],
       case when n % 10 = 0 then 'private' else 'public' end, case when n % 100 = 3 then 'fr' when n % 10 <> 4 then 'en' end,
       ${at} - case when n % 1000 = 2 then interval '1 year' else interval '0' end
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
  await client.query("select recsys.index_tags(null)");
  await client.query("analyze");
  await client.query("select recsys.roll_up(null)");
  client.release();
}

/** For everybody who is asked about, as much as one can mute; none of it is in a post, so that as many stay. */
async function muteMuch(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into public.profiles (id) select ${person("'muted ' || n")} from generate_series(1, 10000) as n;
     insert into public.mutes (user_id, kind, value)
     select id, what.kind, what.value from (select ${person("97 * n % 12000")} as id from generate_series(0, 110) as n) as people
     cross join (
       select 'word' as kind, 'word ' || n as value from generate_series(1, 100) as n
       union all select 'topic', 'muted topic ' || n from generate_series(1, 100) as n
       union all select 'person', (${person("'muted ' || n")})::text from generate_series(1, 10000) as n
     ) as what`,
  );
  await pool.query("analyze public.mutes");
}

interface Asked {
  name: string;
  /** How long before now the instant is, as an interval. */
  ago: string;
  requests: number;
  filter: FeedFilter | null;
}

/** Each request is another person's, all in one session, so that its processor time is that of the requests. */
async function measure(pool: pg.Pool, modelId: number, vectors: Float32Array, { name, ago, requests, filter }: Asked) {
  const client = await pool.connect();
  const { rows: sessions } = await client.query("select pg_backend_pid() as process");
  const times: number[] = [];
  let found = 0;
  let before = 0;
  for (let i = -warmUps; i < requests; i++) {
    if (i === 0) before = await processorTime(sessions[0].process);
    const { rows } = await client.query(`select ${person("$1::integer")} as id, now() - $2::interval as now`, [
      (97 * (i + warmUps)) % size.people,
      ago,
    ]);
    const { id, now } = rows[0];
    await client.query("begin read only");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: id, role: "authenticated" }),
    ]);
    const started = performance.now();
    const { rowCount } = await client.query(
      "select * from recsys.candidates($1::uuid, $2::bigint, $3::text::extensions.vector, $4::timestamptz, $5)",
      [id, modelId, JSON.stringify([...vectorAt(vectors, i + warmUps)]), now, filter],
    );
    if (i >= 0) times.push(performance.now() - started);
    found = rowCount ?? 0;
    await client.query("commit");
  }
  const processor = ((await processorTime(sessions[0].process)) - before) / requests;
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

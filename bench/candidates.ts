/**
 * Measures recsys_engine.retrieve at 100,000 posts, on first and later pages, with filters and with as many mutes as a
 * person can have. `npm run bench -- candidates`. Prints the processor time of the database session. Needs a PostgreSQL.
 */
import type pg from "pg";
import type { FeedFilter } from "../supabase/functions/_shared/recommend/request/feed-filter.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { vectorAt } from "../trainer/models/nn/vector-at.ts";
import { activateModel, fill, person, topicVectors } from "./shared/generated-community.ts";
import { load, timeQueries } from "./shared/times.ts";
import { openPostgres, openScope } from "./shared/workspace.ts";

const size = { people: 12_000, posts: 100_000, interactions: 600_000, days: 90 };
const retrieve =
  "recsys_engine.retrieve($1::uuid, $2::bigint, $3::text::extensions.vector, $4::timestamptz, 1, $5::bigint[], $6::jsonb)";
/** The first requests fill the caches. */
const warmUps = 10;

await using scope = openScope();
const database = await openPostgres(scope, "candidates");
const { pool } = database;
await fill(pool, size);
console.log(`filled, ${load()}`);
const vectors = topicVectors(new Random(1), size.posts);
const modelId = await activateModel(database, vectors);
const now = { ago: "0 days", requests: 100, served: 0, filter: null };
const authors = await pool.query("select author_id as id from public.posts order by id limit 3");
const author_ids = authors.rows.map(({ id }) => id);
const cases: Asked[] = [
  { ...now, name: "now" },
  { ...now, name: "after 100 posts", requests: 50, served: 100 },
  { ...now, name: "after 1,000 posts", requests: 50, served: 1000 },
  { ...now, name: "after 1,900 posts", requests: 50, served: 1900 },
  { ...now, name: "30 days ago", ago: "30 days", requests: 20 },
  { ...now, name: "tag of 0.1 %", filter: { tags: ["rare"] } },
  { ...now, name: "tag of 0.1 %, old posts only", filter: { tags: ["old"] } },
  { ...now, name: "tag of nobody", filter: { tags: ["nobody's"] } },
  { ...now, name: "tag of 16 %", filter: { tags: ["topic 1"] } },
  { ...now, name: "tag of 16 %, language of 1 %", filter: { tags: ["topic 1"], languages: ["fr"] } },
  { ...now, name: "tag of 16 %, language of 90 %", filter: { tags: ["topic 1"], languages: ["en"] } },
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
  /** How many posts earlier pages served. */
  served: number;
  filter: FeedFilter | null;
}

/** Each request is another person's. */
async function measure(pool: pg.Pool, modelId: number, vectors: Float32Array, asking: Asked) {
  const { name, ago, requests, served, filter } = asking;
  let found = 0;
  const figures = await timeQueries(pool, { warmUps, requests }, async (client, number) => {
    const { rows } = await client.query(`select ${person("$1::integer")} as id, now() - $2::interval as now`, [
      (97 * number) % size.people,
      ago,
    ]);
    const { id, now } = rows[0];
    const asked = [id, modelId, JSON.stringify([...vectorAt(vectors, number)]), now];
    let keys: string[] = [];
    return {
      claims: { sub: id, role: "authenticated" },
      async prepare() {
        keys = await scrolled(client, asked, served, filter);
      },
      async ask() {
        const { rowCount } = await client.query(`select * from ${retrieve}`, [...asked, keys, filter]);
        found = rowCount ?? 0;
      },
    };
  });
  console.log([name, ...figures, `${found} candidates`, load()].join(" | "));
}

/** The keys of what pages of 100 serve, those that a source ranks best first. */
async function scrolled(
  client: pg.ClientBase,
  asked: unknown[],
  posts: number,
  filter: FeedFilter | null,
): Promise<string[]> {
  const keys: string[] = [];
  while (keys.length < posts) {
    const { rows } = await client.query(
      `select recsys_engine.served_key(found.post_id, 1) as key from ${retrieve} as found
       order by (select min(rank::integer) from jsonb_each_text(ranks) as each (source, rank)), post_id limit 100`,
      [...asked, keys, filter],
    );
    keys.push(...rows.map(({ key }) => key));
  }
  return keys;
}

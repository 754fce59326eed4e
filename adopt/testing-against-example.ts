/** For tests and benchmarks: the feeds of an app that was adopted, compared with those of the example app with the same people, posts and deeds. */
import type pg from "pg";
import type { Database } from "../db/connect.ts";
import { type Scope, testDatabase } from "../db/testing.ts";
import type { Gateway } from "../serve/gateway.ts";
import { emptyServedState } from "../supabase/functions/_shared/recommend/request/cursor.ts";
import { retrieve } from "../supabase/functions/_shared/recommend/sources/retrieve.ts";

/** The same rows in the tables that ship with this repository, rolled up; it counts as the same community, so that it takes the same model. */
export async function exampleWithRowsOf(scope: Scope, { pool: adopted }: Database): Promise<Database> {
  const example = await testDatabase(scope, "example");
  const copies = [
    [
      "select user_id, coalesce(passions, '{}') as passions, bio, created_at from recsys.source_users",
      "insert into public.profiles (id, passions, bio, created_at) select user_id, passions, bio, created_at from rows",
    ],
    [
      "select post_id, author_id, title, description, tags, created_at, language from recsys.source_posts",
      `insert into public.posts (id, author_id, title, description, tags, created_at, language)
       select post_id, author_id, title, description, tags, created_at, language from rows`,
    ],
    ...["view", "vote", "comment"].map((kind) => [
      `select distinct on (user_id, post_id${kind === "vote" ? "" : ", created_at"}) user_id, post_id, created_at from recsys.source_interactions
       where kind = '${kind}' and post_id in (select post_id from recsys.source_posts) and user_id in (select user_id from recsys.source_users)`,
      `insert into public.${{ view: "post_views", vote: "post_votes", comment: "comments" }[kind]} (user_id, post_id, created_at) select user_id, post_id, created_at from rows`,
    ]),
    [
      `select distinct user_id, kind, value from recsys.source_mutes where user_id in (select user_id from recsys.source_users)
       and (kind <> 'person' or value in (select user_id::text from recsys.source_users))`,
      // the example app has no mutes of texts: as words they are asked about as often
      "insert into public.mutes (user_id, kind, value) select user_id, case kind when 'contains' then 'word' else kind end, value from rows on conflict do nothing",
    ],
    [
      `select user_id, kind, target, min(created_at) as created_at from recsys.source_follows where user_id in (select user_id from recsys.source_users)
       and (kind <> 'person' or target in (select user_id::text from recsys.source_users)) group by user_id, kind, target`,
      "insert into public.follows (user_id, kind, target, created_at) select user_id, kind, target, coalesce(created_at, now()) from rows",
    ],
  ];
  for (const [read, write] of copies) {
    const { rows } = await adopted.query(
      `select coalesce(jsonb_agg(to_jsonb(it)), '[]')::text as all from (${read}) as it`,
    );
    await example.pool.query(
      `with rows as (
         select * from jsonb_to_recordset($1) as rows (user_id uuid, post_id uuid, author_id uuid, passions text[], bio text, title text, description text, tags text[],
           created_at timestamptz, language text, kind text, value text, target text)
       ) ${write}`,
      [rows[0].all],
    );
  }
  const { rows } = await adopted.query("select community_id from recsys.settings");
  await example.pool.query("update recsys.settings set community_id = $1", [rows[0].community_id]);
  await example.pool.query("analyze");
  await example.pool.query("set statement_timeout = 0; select recsys.roll_up(null)");
  await example.pool.query("analyze");
  return example;
}

/** Median milliseconds of the same in two databases, and the median of the ratios of pairs. */
interface ComparedApp {
  adopted: number;
  example: number;
  ratio: number;
}

const apps = ["adopted", "example"] as const;
type App = (typeof apps)[number];

/** The same members ask both in turn, now one first and now the other, over HTTP. */
export async function compareFeeds(
  gateways: Record<App, Gateway>,
  readers: string[],
  pairs: number,
): Promise<ComparedApp> {
  return await inPairs(pairs, readers, (which, reader) => fetchFeed(gateways[which], reader));
}

/** The same for the candidates alone, in SQL. */
export async function compareCandidates(
  databases: Record<App, Database>,
  readers: string[],
  pairs: number,
): Promise<ComparedApp> {
  const clients = { adopted: await databases.adopted.pool.connect(), example: await databases.example.pool.connect() };
  try {
    return await inPairs(pairs, readers, (which, reader) => findCandidates(clients[which], reader));
  } finally {
    for (const client of Object.values(clients)) client.release();
  }
}

async function inPairs(
  pairs: number,
  readers: string[],
  ask: (which: App, reader: string) => Promise<number>,
): Promise<ComparedApp> {
  const times: Record<App, number[]> = { adopted: [], example: [] };
  const warmUps = 5;
  for (let pair = -warmUps; pair < pairs; pair++) {
    const reader = readers[(pair + warmUps) % readers.length];
    for (const which of pair % 2 === 0 ? apps : apps.toReversed()) {
      const taken = await ask(which, reader);
      if (pair >= 0) times[which].push(taken);
    }
  }
  return {
    adopted: median(times.adopted),
    example: median(times.example),
    ratio: median(times.adopted.map((taken, pair) => taken / times.example[pair])),
  };
}

async function fetchFeed({ url, tokenOf }: Gateway, reader: string): Promise<number> {
  const headers = { authorization: `Bearer ${await tokenOf(reader)}` };
  const begun = performance.now();
  const response = await fetch(`${url}/functions/v1/recommend`, { method: "POST", headers, body: "{}" });
  const text = await response.text();
  const taken = performance.now() - begun;
  if (response.status !== 200 || JSON.parse(text).degraded !== null) throw new Error(`a feed fails: ${text}`);
  return taken;
}

async function findCandidates(client: pg.PoolClient, reader: string): Promise<number> {
  const { rows } = await client.query(
    "select model_id::text, embedding::text from recsys.user_embeddings join recsys.models using (model_id) where user_id = $1 and status = 'active'",
    [reader],
  );
  await client.query("begin read only");
  try {
    const caller = { sub: reader, role: "authenticated" };
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify(caller),
    ]);
    const vector = Float32Array.from(JSON.parse(rows[0].embedding));
    const begun = performance.now();
    await retrieve(client, caller, {
      modelId: rows[0].model_id,
      vector,
      page: { served: emptyServedState() },
      common: null,
    });
    return performance.now() - begun;
  } finally {
    await client.query("rollback");
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

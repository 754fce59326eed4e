/**
 * Feeds over HTTP in a made-up community of any size: one client, then 16 at once for a while, beside the bare SQL of the same run.
 * Client, function (Deno) and database (PostgreSQL) share the machine.
 */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { nothingServed } from "../../supabase/functions/_shared/recommend/cursor.ts";
import { retrieve } from "../../supabase/functions/_shared/recommend/retrieve.ts";
import { Random } from "../../trainer/engine/random.ts";
import { vectorAt } from "../../trainer/engine/vector-at.ts";
import { type Gateway, startGateway } from "../../trainer/serve/gateway.ts";

/** Sorted times of many requests, in milliseconds. */
export class Times {
  private readonly sorted: number[];

  constructor(times: number[]) {
    this.sorted = [...times].sort((a, b) => a - b);
  }

  quantile(q: number): number {
    return this.sorted[Math.min(this.sorted.length - 1, Math.floor(q * this.sorted.length))];
  }
}

export interface FeedFigures {
  candidates: number;
  sql: Times;
  one: Times;
  /** Medians of the header Server-Timing. */
  stages: Record<string, number>;
  many: Times;
  perSecond: number;
  failed: number;
}

/** `url`: what the functions connect to, such as a pooler before the database. */
export async function measureFeeds(
  { pool }: Pick<Database, "pool">,
  url: string,
  modelId: number,
  vectors: Float32Array,
  folder: string,
  { requests, seconds }: { requests: number; seconds: number },
): Promise<FeedFigures> {
  const { rows } = await pool.query("select id from public.profiles order by id");
  const users: string[] = rows.map((row) => row.id);
  const random = new Random(2);
  const somebody = () => users[random.below(users.length)];
  const gateway = await startGateway({ databaseUrl: url, port: 0, folder });
  try {
    const tokens = await Promise.all(Array.from({ length: 500 }, () => gateway.tokenOf(somebody())));
    const one: number[] = [];
    const spans: Record<string, number[]> = {};
    for (let i = -50; i < requests; i++) {
      const begun = performance.now();
      const response = await ask(gateway, tokens[(i + 50) % tokens.length]);
      if (i < 0) continue;
      one.push(performance.now() - begun);
      for (const [, name, taken] of (response.headers.get("server-timing") ?? "").matchAll(/([a-z_]+);dur=([\d.]+)/g)) {
        spans[name] ??= [];
        spans[name].push(Number(taken));
      }
    }
    const { sql, candidates } = await bareSql(pool, users, modelId, vectors, requests);
    const many: number[] = [];
    let failed = 0;
    const end = performance.now() + 1000 * seconds;
    await Promise.all(
      Array.from({ length: 16 }, async (_, client) => {
        for (let i = client; performance.now() < end; i += 16) {
          const begun = performance.now();
          await ask(gateway, tokens[i % tokens.length]).then(
            () => many.push(performance.now() - begun),
            () => failed++,
          );
        }
      }),
    );
    return {
      candidates,
      sql: new Times(sql),
      one: new Times(one),
      stages: Object.fromEntries(Object.entries(spans).map(([name, times]) => [name, new Times(times).quantile(0.5)])),
      many: new Times(many),
      perSecond: many.length / seconds,
      failed,
    };
  } finally {
    await gateway.stop();
  }
}

async function ask(gateway: Gateway, token: string): Promise<Response> {
  const response = await fetch(`${gateway.url}/functions/v1/recommend`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: '{"limit":20}',
  });
  const body = await response.json();
  if (response.status !== 200 || body.items.length !== 20) throw new Error(JSON.stringify(body).slice(0, 300));
  return response;
}

/** The two statements of retrieval as the caller, with the states of all candidates read anew: what a feed would cost without what a worker keeps. */
async function bareSql(pool: pg.Pool, users: string[], modelId: number, vectors: Float32Array, requests: number) {
  const client = await pool.connect();
  const sql: number[] = [];
  let candidates = 0;
  for (let i = -20; i < requests; i++) {
    const user = users[(97 * (i + 20)) % users.length];
    await client.query("begin read only");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: user, role: "authenticated" }),
    ]);
    const begun = performance.now();
    const found = await retrieve(client, user, String(modelId), vectorAt(vectors, i + 20), null, {
      served: nothingServed(),
    });
    if (i >= 0) sql.push(performance.now() - begun);
    if (i >= 0) candidates += found.length / requests;
    await client.query("commit");
  }
  client.release();
  return { sql, candidates };
}

/** Feeds over HTTP, one after another, compared with the bare SQL of their retrieval. */
import { Times } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import type { Figure, Finding } from "./figure.ts";
import { withReaders } from "./readers.ts";

const warmUps = 20;

export interface FeedTimes {
  http: Times;
  sql: Times;
  /** Medians of the header Server-Timing. */
  stages: Record<string, number>;
  candidates: number;
}

/** Asks one after another, first over HTTP and then in SQL. */
export async function timeFeeds(community: ServedCommunity, requests: number, folder: string): Promise<FeedTimes> {
  const http: number[] = [];
  const spans: Record<string, number[]> = {};
  await withReaders(community.database.url, community.users, folder, async ({ ask }) => {
    for (let i = 0; i < requests; i++) {
      const begun = performance.now();
      const timing = await ask(i);
      http.push(performance.now() - begun);
      for (const [, name, taken] of timing.matchAll(/([a-z_]+);dur=([\d.]+)/g)) {
        spans[name] ??= [];
        spans[name].push(Number(taken));
      }
    }
  });
  const sql: number[] = [];
  let candidates = 0;
  const client = await community.database.pool.connect();
  for (let i = 0; i < warmUps + requests; i++) {
    const bare = await bareFeed(client, community, i);
    if (i < warmUps) continue;
    sql.push(bare.milliseconds);
    candidates += bare.candidates / requests;
  }
  client.release();
  const stages = Object.entries(spans).map(([name, times]) => [name, new Times(times).median]);
  return { http: new Times(http), sql: new Times(sql), stages: Object.fromEntries(stages), candidates };
}

/** The figures of some feeds; `of`: whose. */
export function feedFinding({ http, sql, stages, candidates }: FeedTimes, of: string): Finding {
  const figure = (name: string, q: number): Figure => ({
    what: `feed over HTTP, one client, ${of}: ${name}`,
    value: http.quantile(q),
    unit: "ms",
    floor: { what: `bare SQL: ${name}`, value: sql.quantile(q) },
  });
  return { figures: [figure("median", 0.5), figure("99 %", 0.99)], details: { candidates, ...inFunction(stages) } };
}

function inFunction(stages: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(stages).map(([name, ms]) => [`ms in ${name}`, ms]));
}

// The floor of a feed: its retrieval alone, in SQL.

import type pg from "pg";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { emptyServedState } from "../../supabase/functions/_shared/recommend/request/cursor.ts";
import { retrieve } from "../../supabase/functions/_shared/recommend/sources/retrieve.ts";
import { vectorAt } from "../../trainer/models/nn/vector-at.ts";

/**
 * recsys_engine.feed_candidates for the number-th of some people, as the caller, with all that the ranker is told of them: what a feed would cost without
 * all around it, and without what a worker keeps.
 */
export async function bareFeed(
  client: pg.PoolClient,
  { users, modelId, vectors }: ServedCommunity,
  number: number,
): Promise<{ milliseconds: number; candidates: number }> {
  const user = users[(97 * number) % users.length];
  await client.query("begin read only");
  const caller = { sub: user, role: "authenticated" };
  await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
    JSON.stringify(caller),
  ]);
  const vector = vectorAt(vectors, number % (vectors.length / dimensions));
  const begun = performance.now();
  const found = await retrieve(client, caller, {
    modelId,
    vector,
    page: { served: emptyServedState() },
    common: null,
  });
  const milliseconds = performance.now() - begun;
  await client.query("commit");
  return { milliseconds, candidates: found?.posts.length ?? 0 };
}

// The same feeds in a community ten times as large.

export async function measureScale(
  large: ServedCommunity,
  small: FeedTimes,
  sizes: { large: string; small: string },
  requests: number,
  folder: string,
): Promise<Finding> {
  const times = await timeFeeds(large, requests, folder);
  const { figures, details } = feedFinding(times, sizes.large);
  return {
    figures: [
      ...figures,
      {
        what: `median of ${sizes.large}`,
        value: times.http.median,
        unit: "ms",
        floor: { what: `median of ${sizes.small}`, value: small.http.median },
      },
    ],
    details: { "seconds to make it up": large.seconds, ...details },
  };
}

/** Feeds over HTTP, one after another, beside the bare SQL of their retrieval. */

import { Times } from "../shared/times.ts";
import { bareFeed } from "./bare-sql.ts";
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

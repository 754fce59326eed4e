/** 16 concurrent clients, whose functions reach the database through a transaction pooler. */
import pg from "pg";
import type { Scope } from "../../db/testing.ts";
import { startPooler } from "../../db/testing-pooler.ts";
import { Times } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import { bareFeed } from "./feed.ts";
import type { Finding } from "./figure.ts";
import { withReaders } from "./readers.ts";

const clients = 16;
/** As many as Supabase's pooler holds on its smallest machines. */
export const pooledConnections = 15;

export async function measurePooler(
  scope: Scope,
  community: ServedCommunity,
  seconds: number,
  folder: string,
): Promise<Finding> {
  const { database, users } = community;
  const url = await startPooler(scope, database.url, pooledConnections);
  const feeds = await withReaders(url, users, folder, ({ ask }) => untilTime(seconds, () => ask));
  const direct = new pg.Pool({ connectionString: database.url, max: clients });
  scope.after(() => direct.end());
  const sessions = await Promise.all(Array.from({ length: clients }, () => direct.connect()));
  // each plans on its own
  for (const session of sessions) await bareFeed(session, community, 0);
  const bare = await untilTime(seconds / 3, (client) => (number) => bareFeed(sessions[client], community, number));
  for (const session of sessions) session.release();
  return {
    figures: [
      {
        what: `feeds a second, ${clients} clients for ${seconds} s through PgBouncer`,
        value: feeds.perSecond,
        unit: "1/s",
        floor: { what: `bare SQL of ${clients} sessions`, value: bare.perSecond },
        bar: { of: "value", must: "be at least", limit: 100 },
      },
      {
        what: "of these, errors",
        value: feeds.errors.length,
        unit: "",
        floor: { what: "bare SQL: errors", value: bare.errors.length },
        bar: { of: "value", must: "be at most", limit: 0 },
      },
    ],
    details: {
      "median, ms": feeds.times.median,
      "99 %, ms": feeds.times.quantile(0.99),
      ...Object.fromEntries([...new Set(feeds.errors)].slice(0, 5).map((error, i) => [`error ${i + 1}`, error])),
    },
  };
}

/** All clients at the same time, each with one request after another, until the time is over. */
export async function untilTime(seconds: number, clientOf: (client: number) => (number: number) => Promise<unknown>) {
  const times: number[] = [];
  const errors: string[] = [];
  const begun = performance.now();
  const end = begun + 1000 * seconds;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const ask = clientOf(client);
      for (let number = client; performance.now() < end; number += clients) {
        const asked = performance.now();
        await ask(number).then(
          () => times.push(performance.now() - asked),
          (error: Error) => errors.push(error.message),
        );
      }
    }),
  );
  // the last answers come after the end
  const perSecond = (1000 * times.length) / (performance.now() - begun);
  return { perSecond, times: new Times(times), errors };
}

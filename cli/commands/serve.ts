/** `recsys serve` and `recsys recommend`: the Edge Functions on this machine. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import { runEmbeddingLoop, runMetricsLoop, runRollUpLoop, runTopicLoop } from "../../serve/background-loops.ts";
import { type Gateway, startGateway } from "../../serve/gateway.ts";
import { checkEncoders } from "../../serve/local-encoders.ts";
import { buildPages, packagedPages } from "../../web/build.ts";
import { basisInWords, feedTable, fetchFeed, findUser } from "./feed.ts";
import { checkReplica } from "./replica.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

export interface ServeOptions extends DatabaseOption {
  port: number;
  /** The URL of a read replica. */
  replica?: string;
  /** The folder with models that make vectors of texts. */
  encoders?: string;
}

/** Serves until Ctrl-C. */
export async function serveCommand({ replica, encoders, port, ...options }: ServeOptions): Promise<void> {
  if (encoders) checkEncoders(encoders);
  await inDatabase(options, {}, async ({ database, signal, print }) => {
    // what an empty variable leaves is none
    const readUrl = replica || undefined;
    const isAway = readUrl && (await checkReplica(readUrl, database));
    if (isAway) print(isAway);
    const gateway = await startGateway({ databaseUrl: database.url, readUrl, port, site: await builtSite() });
    print(`functions are served on ${gateway.url}/functions/v1 (Ctrl-C ends it)`);
    print(appLine(gateway));
    print(consoleLine(gateway));
    print(pagesLine(gateway));
    await serveUntil(gateway, database, signal, encoders || undefined);
  });
}

/** The pages of web/, built; the folder they are in. The package brings them. */
export async function builtSite(): Promise<string> {
  if (existsSync(packagedPages)) return packagedPages;
  const folder = join(".recsys", "web");
  await buildPages(folder);
  return folder;
}

/** Where the feed page is, alone on its line. */
export function pagesLine({ servesFeedPage, url }: Gateway): string {
  return servesFeedPage ? `the feed page:\n\n  ${url}/\n` : "no feed page: that is for a database on this machine";
}

/** The console's line. Its address holds the key, and each start makes another key. */
export function consoleLine({ consoleUrl }: Gateway): string {
  return `the console, for you alone: ${consoleUrl}`;
}

/** Prints the addresses and the key that an app in development needs. */
export function appLine({ url, publishableKey }: Gateway): string {
  return `an app of yours: createClient("${url}", "${publishableKey}")`;
}

/** Prints the feed of a user, fetched over HTTP from functions started for it. */
export async function recommendCommand(user: string, options: DatabaseOption & { limit: number }): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const { user_id, external_id } = await findUser(database, user);
    const gateway = await startGateway({ databaseUrl: database.url, port: 0 });
    try {
      const feed = await fetchFeed(gateway, user_id, options.limit);
      print(`feed of user ${external_id ?? user_id} (${basisInWords(feed)})\n\n${feedTable(feed)}`);
    } finally {
      await gateway.stop();
    }
  });
}

/** Keeps a gateway, the feature store and the vectors going until the signal aborts or the functions end. `encoders`: a folder of models. */
export async function serveUntil(
  gateway: Gateway,
  database: Database,
  signal: AbortSignal,
  encoders?: string,
): Promise<void> {
  const stops = [
    await runRollUpLoop(database.pool),
    runEmbeddingLoop(database, { encoders }),
    runTopicLoop(database),
    await runMetricsLoop(database.pool),
  ];
  try {
    if (signal.aborted) return;
    await Promise.race([once(signal, "abort"), endOf(gateway, signal)]);
  } finally {
    await gateway.stop();
    for (const stop of stops) await stop();
  }
}

/** Throws where the functions end by themselves. */
export async function endOf(gateway: Gateway, signal: AbortSignal): Promise<void> {
  const status = await gateway.ended;
  if (!signal.aborted)
    throw new UserError(`the functions ended by themselves, with status ${status}: see the log above`);
}

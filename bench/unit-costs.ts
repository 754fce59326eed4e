/**
 * Measures the database's cost of one feed, event, roll-up, vector, impression and training by size: `npm run bench -- unit-costs
 * [POSTS …]`. The last lines belong in cli/plan/unit-costs.ts. A second start resumes. Needs a PostgreSQL on this Linux.
 */
import { openDatabase } from "../db/connect.ts";
import { migrate } from "../db/migrate.ts";
import { withClient } from "../db/testing-postgres.ts";
import { communityFromDatabase, trainingEvents } from "../trainer/data/replay/from-database.ts";
import { load, ownProcessorTime } from "./shared/times.ts";
import { inOwnProcess, openFolder, openScope, postgresServer } from "./shared/workspace.ts";
import { makeUpIn } from "./unit-costs/community.ts";
import { measureEvents, measureFeeds, measureImpressions, measureVectors } from "./unit-costs/measures.ts";

/** What reading a community for a training takes, in a process of its own. */
interface Reading {
  megabytes: number;
  seconds: number;
}

const [first, url] = process.argv.slice(2);
if (first === "read") {
  console.log(JSON.stringify(await readOnce(url)));
} else {
  const sizes = process.argv.slice(2).map(Number);
  for (const size of sizes.length > 0 ? sizes : [10_000, 100_000, 1_000_000]) await measure(size);
}

async function measure(posts: number): Promise<void> {
  await using scope = openScope();
  const server = await postgresServer();
  const name = `recsys_unit_costs_${posts}`;
  await withClient(server, async (client) => {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
    if (!rowCount) await client.query(`create database ${name}`);
  });
  const place = new URL(server);
  place.pathname = `/${name}`;
  const database = await openDatabase({ url: place.href });
  try {
    const said = (what: string) => console.log(`${posts} posts | ${what} | ${load()}`);
    await migrate(database);
    const community = await makeUpIn(database, posts, said);
    const folder = await openFolder(scope);
    const feed = await measureFeeds(database, community, folder);
    said(`feed ${JSON.stringify(feed)}`);
    const { event, rollUp } = await measureEvents(database, community);
    said(`event ${JSON.stringify(event)} roll-up ${JSON.stringify(rollUp)}`);
    const vector = await measureVectors(database, community);
    said(`vector ${JSON.stringify(vector)}`);
    const impression = await measureImpressions(database, community);
    said(`impression ${JSON.stringify(impression)}`);
    const training = await inOwnProcess<Reading>(import.meta.url, "read", database.url);
    said(`training ${JSON.stringify(training)}`);
    const { interactions, indexed } = community;
    console.log(JSON.stringify({ posts, indexed, interactions, feed, event, rollUp, vector, impression, training }));
  } finally {
    await database.close();
  }
  await withClient(server, (client) => client.query(`drop database ${name}`));
}

async function readOnce(url: string): Promise<Reading> {
  const database = await openDatabase({ url });
  await communityFromDatabase(database, () => {}, trainingEvents);
  await database.close();
  return { megabytes: Math.round(process.resourceUsage().maxRSS / 1024), seconds: Math.round(ownProcessorTime()) };
}

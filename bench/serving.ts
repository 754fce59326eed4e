/**
 * How fast feeds are served: `npm run bench [-- POSTS]`. A community is made up in SQL (100,000 posts by default, 6 interactions a post over 90
 * days). Prints a table. Needs a PostgreSQL and nothing else on the machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { Random } from "../trainer/engine/random.ts";
import { activateModel, fill, topicVectors } from "./made-up-community.ts";
import { measureFeeds } from "./serving/feed.ts";

const posts = Number(process.argv[2] ?? 100_000);
const size = { people: 10_000, posts, interactions: 6 * posts, days: 90 };

const server = await testServer();
if (!server) throw new Error("needs a PostgreSQL: npm run setup:postgres");
const folder = await mkdtemp(join(tmpdir(), "bench-"));
const database = await openPostgresCopy(server, "serving");
try {
  const begun = performance.now();
  await fill(database.pool, size);
  // nobody asks as often as 16 clients do
  await database.pool.query("update recsys.settings set requests_per_minute = null");
  const vectors = topicVectors(new Random(1), size.posts);
  const modelId = await activateModel(database, vectors);
  console.log(
    `${posts} posts made up in ${((performance.now() - begun) / 1000).toFixed(0)} s, load ${loadavg()[0].toFixed(1)}, ${cpus().length} cores`,
  );
  const figures = await measureFeeds(database, database.url, modelId, vectors, folder, { requests: 300, seconds: 20 });
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  console.table({
    "bare SQL": { p50: ms(figures.sql.quantile(0.5)), p99: ms(figures.sql.quantile(0.99)) },
    "one client": { p50: ms(figures.one.quantile(0.5)), p99: ms(figures.one.quantile(0.99)) },
    "16 clients": {
      p50: ms(figures.many.quantile(0.5)),
      p99: ms(figures.many.quantile(0.99)),
      "a second": figures.perSecond.toFixed(0),
      failed: figures.failed,
    },
  });
  console.log(`${figures.candidates.toFixed(0)} candidates; medians of the stages:`, figures.stages);
  console.log(`load ${loadavg()[0].toFixed(1)}`);
} finally {
  await database.close();
  await rm(folder, { recursive: true, force: true });
}

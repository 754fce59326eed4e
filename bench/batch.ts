/**
 * Measures the users per second of `recsys batch` with one worker and with two: `npm run bench -- batch [FOLDER [USERS]]`.
 * Default: 25,000 synthetic posts, 10,000 users, an untrained ranker of the real size. Needs a PostgreSQL.
 */
import { openDatabase } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { publishRandomModel } from "../testing/batch.ts";
import { runBatch } from "../trainer/batch/run-batch.ts";
import { load, ownProcessorTime } from "./shared/times.ts";
import { benchmarkBundle, inOwnProcess, openPostgres, openScope } from "./shared/workspace.ts";

interface Measured {
  users: number;
  reading: number;
  /** Seconds from the first page to the last, and of this process's processor time meanwhile. */
  wall: number;
  processor: number;
  megabytes: number;
}

const [first, second] = process.argv.slice(2);
if (first === "worker") console.log(JSON.stringify(await work(second)));
else await measure(first, Number(second ?? 10_000));

async function measure(given: string | undefined, users: number): Promise<void> {
  await using scope = openScope();
  const database = await openPostgres(scope, "bench_batch");
  await importBundle(database, await benchmarkBundle(scope, given, { seed: 1, users: 10_000, posts: 25_000 }));
  await publishRandomModel(database, "untrained");
  await database.pool.query(
    `insert into public.logins (user_id, created_at)
       select id, recsys.clock() - interval '1 minute' from public.profiles order by md5(id::text) limit $1`,
    [users],
  );
  const { rows } = await database.pool.query("select count(*)::int as posts from recsys.source_posts");
  for (const workers of [1, 2]) {
    const done = await Promise.all(
      Array.from({ length: workers }, () => inOwnProcess<Measured>(import.meta.url, "worker", database.url)),
    );
    const sum = (of: (each: Measured) => number) => done.reduce((total, each) => total + of(each), 0);
    const [made, wall] = [sum(({ users }) => users), Math.max(...done.map(({ wall }) => wall))];
    console.log(
      [
        `${rows[0].posts} posts, ${workers} worker${workers > 1 ? "s" : ""}: ${made} users in ${wall.toFixed(1)} s`,
        `${(made / wall).toFixed(0)} users a second`,
        `${((1000 * sum(({ processor }) => processor)) / made).toFixed(2)} ms of processor a user outside the database`,
        `reading ${Math.max(...done.map(({ reading }) => reading)).toFixed(1)} s`,
        `${Math.max(...done.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
        load(),
      ].join("; "),
    );
  }
}

async function work(url: string): Promise<Measured> {
  await using scope = openScope();
  const database = await openDatabase({ url });
  scope.after(() => database.close());
  const started = performance.now();
  let begun: { at: number; processor: number } | undefined;
  const { done, seconds } = await runBatch({
    database,
    signal: new AbortController().signal,
    onProgress({ step }) {
      if (step === "recommendations") begun ??= { at: performance.now(), processor: ownProcessorTime() };
    },
  });
  const { at, processor: before } = begun ?? { at: started, processor: 0 };
  return {
    users: done,
    reading: (at - started) / 1000,
    wall: seconds,
    processor: ownProcessorTime() - before,
    megabytes: process.resourceUsage().maxRSS / 1024,
  };
}

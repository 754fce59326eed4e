// npm test [-- --full] [--changed] [--both] [--brief] [--shuffle] [PART OF A FILE'S NAME …]: every *.test.ts in Node, those of functions/_shared in Deno too.
// Without --full, those named *.full.test.ts run where a part of their name is given; and of random tests a fifth runs (testing/courses.ts).
// With --changed those run that a change reaches (testing/changed-files.ts).
// With --both what depends on a PostgreSQL runs there and then once more as `npm test` runs it where there is none; the rest is the same and runs once.
// With --shuffle files run in a random order; SEED repeats one.
// With --brief what passes has no lines. Closes with what failed and the line `N passed, N failed, N skipped`, and status 0 when nothing did.
import { globSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { findOrMakeDump } from "../db/testing-embedded.ts";
import { testServer } from "../db/testing-postgres.ts";
import { askedForServer } from "./asked-for-server.ts";
import { changedFiles, reachedTests } from "./changed-files.ts";
import { longestFirst, printSlowest, shuffled } from "./durations.ts";
import { processorName, processorSeconds } from "./processor.ts";
import { runDenoTests } from "./run-deno-tests.ts";
import { runNodeTests, tryAlone } from "./run-node-tests.ts";
import { noTests, printTotals, sumOf, type Totals } from "./totals.ts";

process.chdir(new URL("..", import.meta.url).pathname);
// 0.1 to 0.2 s less of a processor for each Node that a test starts
process.env.NODE_COMPILE_CACHE ??= `${process.cwd()}/.recsys/compile-cache`;
const flags = ["--full", "--changed", "--both", "--brief", "--shuffle"];
const [full, changed, both, brief, shuffle] = flags.map((flag) => process.argv.includes(flag));
const wanted = process.argv.slice(2).filter((argument) => !flags.includes(argument));
if (full) process.env.TEST_FULL = "1";
const isFullOnly = (file: string) => file.endsWith(".full.test.ts");
const isWanted = (file: string) =>
  wanted.length === 0 ? full || !isFullOnly(file) : wanted.some((part) => file.includes(part));
const all = globSync("{adopt,bench,cli,client,db,release,serve,supabase,testing,trainer,web}/**/*.test.ts")
  .filter(isWanted)
  .sort();
const sources = changed ? changedFiles() : undefined;
const files = sources ? reachedTests(process.cwd(), all, sources) : all;
if (sources)
  console.log(`${files.length} of ${all.length} test files depend on the changed files: ${sources.join(", ")}.`);
const sharedFiles = files.filter((file) => file.startsWith("supabase/functions/_shared/"));

const seed = Number(process.env.SEED ?? Date.now() % 1000);
if (shuffle) console.log(`Files run in a random order; SEED=${seed} repeats it.`);

/** The totals of each file. */
async function run(some: string[]): Promise<Map<string, Totals>> {
  const order = shuffle ? shuffled(some, seed) : changed ? some : await longestFirst(some);
  // two more than there are processors: files wait for databases, browsers, schedules and disks
  const ofFiles = await runNodeTests(order, { concurrency: Math.min(4, availableParallelism() + 2), brief });
  await tryAlone(ofFiles, brief);
  await printSlowest(ofFiles);
  return ofFiles;
}

const server = await testServer();
const host = server && new URL(server).host;
const onServer = both ? `Testing on ${host}.` : `Testing on ${host} and on embedded databases.`;
console.log(server ? onServer : "No PostgreSQL: testing on embedded databases.");
await findOrMakeDump();
const asked = both && server ? askedForServer() : undefined;
// Deno waits most of its time
const [ofFiles, ofDeno] = await Promise.all([
  run(files),
  sharedFiles.length > 0 ? runDenoTests(sharedFiles) : noTests(),
]);
const totals: Totals[] = [];
const end = () => {
  const [minute, , quarter] = loadavg().map((load) => load.toFixed(1));
  console.log(`${process.uptime().toFixed(0)} s, load average ${minute} in the last minute, ${quarter} in the last 15`);
  const seconds = processorSeconds();
  if (seconds !== undefined)
    console.log(`${seconds.toFixed(0)} s of a processor (${processorName()}), without what PostgreSQL took`);
  totals.push(sumOf([...ofFiles.values(), ofDeno]));
  printTotals(totals[totals.length - 1]);
};
if (all.length === 0) console.log(`No test file matches ${wanted.join(" ")}.`);
end();

if (asked) {
  delete process.env.TEST_FULL;
  const again = files.filter(asked()).filter((file) => !full || !isFullOnly(file));
  console.log(
    `\nNo PostgreSQL: testing on embedded databases what depends on it, ${again.length} of ${files.length} files.`,
  );
  process.env.TEST_DATABASE_URL = "embedded";
  for (const [file, ofFile] of await run(again)) ofFiles.set(file, ofFile);
  end();
}
process.exit(files.length === 0 || totals.some(({ failed }) => failed > 0) ? 1 : 0);

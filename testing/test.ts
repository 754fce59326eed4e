// npm test [-- --both] [PART OF A FILE'S NAME …]: every *.test.ts in Node, those of functions/_shared in Deno too.
// With --both what depends on a PostgreSQL runs there and then once more as where there is none; the rest is the same and runs once.
// Closes with the line `N passed, N failed, N skipped` and status 0 when nothing failed.
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { findOrMakeDump } from "../db/testing-embedded.ts";
import { testServer } from "../db/testing-postgres.ts";
import { askedForServer } from "./asked-for-server.ts";
import { runDenoTests } from "./run-deno-tests.ts";
import { runNodeTests } from "./run-node-tests.ts";
import { noTests, printTotals, sumOf, type Totals } from "./totals.ts";

process.chdir(new URL("..", import.meta.url).pathname);
const both = process.argv.includes("--both");
const wanted = process.argv.slice(2).filter((argument) => argument !== "--both");
const isWanted = (file: string) => wanted.length === 0 || wanted.some((part) => file.includes(part));
const files = globSync("{adopt,bench,cli,client,db,serve,supabase,testing,trainer,web}/**/*.test.ts")
  .filter(isWanted)
  .sort();
const sharedFiles = files.filter((file) => file.startsWith("supabase/functions/_shared/"));
const run = async (some: string[]) => await runNodeTests(some, Math.min(2, availableParallelism()));

const server = await testServer();
const host = server && new URL(server).host;
const onServer = both ? `Testing on ${host}.` : `Testing on ${host} and on embedded databases.`;
console.log(server ? onServer : "No PostgreSQL: testing on embedded databases.");
await findOrMakeDump();
const asked = both && server ? askedForServer() : undefined;
const ofFiles = await run(files);
const ofDeno = sharedFiles.length > 0 ? await runDenoTests(sharedFiles) : noTests();
const totals: Totals[] = [sumOf([...ofFiles.values(), ofDeno])];
if (files.length === 0) console.log(`No test file matches ${wanted.join(" ")}.`);
printTotals(totals[0]);

if (asked) {
  const again = files.filter(asked());
  console.log(
    `\nNo PostgreSQL: testing on embedded databases what depends on it, ${again.length} of ${files.length} files.`,
  );
  process.env.TEST_DATABASE_URL = "embedded";
  for (const [file, ofFile] of await run(again)) ofFiles.set(file, ofFile);
  totals.push(sumOf([...ofFiles.values(), ofDeno]));
  printTotals(totals[1]);
}
process.exit(files.length === 0 || totals.some(({ failed }) => failed > 0) ? 1 : 0);

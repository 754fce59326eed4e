// npm test [PART OF A FILE'S NAME …]: every *.test.ts in Node, those of functions/_shared in Deno too.
// Closes with the line `N passed, N failed, N skipped` and status 0 when nothing failed.
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { findOrMakeDump } from "../db/testing-embedded.ts";
import { testServer } from "../db/testing-postgres.ts";
import { runDenoTests } from "./testing/run-deno-tests.ts";
import { runNodeTests } from "./testing/run-node-tests.ts";
import { addTotals, noTests, summarise } from "./testing/totals.ts";

process.chdir(new URL("..", import.meta.url).pathname);
const wanted = process.argv.slice(2);
const isWanted = (file: string) => wanted.length === 0 || wanted.some((part) => file.includes(part));
const files = globSync("{bench,db,trainer,supabase,client,web}/**/*.test.ts").filter(isWanted).sort();
const sharedFiles = files.filter((file) => file.startsWith("supabase/functions/_shared/"));

const server = await testServer();
console.log(
  server
    ? `Testing on ${new URL(server).host} and on embedded databases.`
    : "No PostgreSQL: testing on embedded databases.",
);
await findOrMakeDump();

const totals = noTests();
if (files.length > 0) addTotals(totals, await runNodeTests(files, Math.min(2, availableParallelism())));
if (sharedFiles.length > 0) addTotals(totals, await runDenoTests(sharedFiles));

for (const [reason, number] of totals.reasons) console.log(`skipped ${number}: ${reason}`);
if (files.length === 0) console.log(`No test file matches ${wanted.join(" ")}.`);
console.log(summarise(totals));
process.exit(totals.failed > 0 || files.length === 0 ? 1 : 0);

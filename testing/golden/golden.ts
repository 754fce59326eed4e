/**
 * `npm run golden -- --record | --compare [--against REVISION]` asks for feeds of 200 readers in nine ways, and a small replay, at a fixed instant.
 * --record stores answers (golden.json, .recsys/golden); --compare prints moved answers and the database's work, and exits with 1 if any moved.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Scope } from "../../db/testing.ts";
import { withoutCluster } from "../../db/testing-cluster.ts";
import { withWorktree } from "../worktree.ts";
import { type Answers, costReport, type Digests, digestsOf, type Expected, reportOf } from "./compare.ts";
import type { AnswerCost } from "./cost.ts";
import { recordAnswers } from "./record.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const committed = join(root, "testing/golden/golden.json");
const folder = join(root, ".recsys/golden");
const size = { readers: 200, replayed: 200 };
/** First differences that are printed of each part of a variant. */
const printed = 3;

interface Recorded {
  answers: Answers;
  costs: Record<string, AnswerCost>;
  /** Where they were recorded. */
  machine: string;
}

/** What is committed: enough to see that an answer moved, and what answers look like. */
interface Committed {
  machine: string;
  digests: Digests;
  /** Pages of the database that an answer reads. */
  buffers: Record<string, number>;
  /** The beginnings of the first reader's answers. */
  examples: Record<string, Record<string, string[]>>;
}

async function main(scope: Scope): Promise<number> {
  const { record, compare, against } = parseArgs({
    options: { record: { type: "boolean" }, compare: { type: "boolean" }, against: { type: "string" } },
  }).values;
  if (record === compare || (record && against !== undefined))
    return fail(
      "npm run golden -- --record, or --compare, with --against REVISION to record the answers of a revision first",
    );
  const without = await withoutCluster();
  if (without) return fail(`golden answers need a database: ${without}`);
  const expected = compare ? (against === undefined ? readRecorded() : await recordRevision(against)) : undefined;
  const machine = `${cpus()[0]?.model}, ${process.arch}, Node ${process.version}`;
  const { answers, costs, differences } = await recordAnswers(scope, size, expected, console.error);
  if (!expected) {
    keep({ answers, costs, machine });
    console.log(`${Object.values(answers).flat().length.toLocaleString("en")} answers recorded`);
    return 0;
  }
  const asked = Object.fromEntries(Object.entries(answers).map(([variant, each]) => [variant, each.length]));
  console.log(reportOf(differences, asked, printed).join("\n"));
  if (differences.length > 0 && "digests" in expected)
    console.log(
      `Of what was recorded only digests are here: --against REVISION shows what moved. They were recorded on ${expected.machine}: on another processor posts whose scores are almost the same may change places.`,
    );
  console.log(costReport(expected.costs, costs, expected.machine === machine).join("\n"));
  return differences.length > 0 ? 1 : 0;
}

function fail(message: string): number {
  console.error(message);
  return 2;
}

const whole = (checkout: string) => join(checkout, ".recsys/golden/answers.json.gz");

function keep(recorded: Recorded): void {
  const { answers, costs, machine } = recorded;
  mkdirSync(folder, { recursive: true });
  writeFileSync(whole(root), gzipSync(JSON.stringify(recorded)));
  const buffers = Object.fromEntries(Object.entries(costs).map(([variant, cost]) => [variant, cost.buffers]));
  const examples = Object.fromEntries(
    Object.entries(answers).map(([variant, [first]]) => [
      variant,
      Object.fromEntries(Object.entries(first).map(([part, lines]) => [part, lines.slice(0, 4)])),
    ]),
  );
  const file: Committed = { machine, buffers, digests: digestsOf(answers), examples };
  writeFileSync(committed, `${JSON.stringify(file, null, 2)}\n`);
}

/** Whole answers where these are the committed ones, else their digests. */
function readRecorded(): Expected & Pick<Recorded, "costs" | "machine"> {
  const { machine, digests, buffers }: Committed = JSON.parse(readFileSync(committed, "utf8"));
  if (existsSync(whole(root))) {
    const recorded = readWhole(root);
    if (JSON.stringify(digestsOf(recorded.answers)) === JSON.stringify(digests)) return recorded;
  }
  const costs = Object.fromEntries(
    Object.entries(buffers).map(([variant, each]) => [variant, { buffers: each, processor: 0 }]),
  );
  return { machine, digests, costs };
}

function readWhole(checkout: string): Recorded {
  return JSON.parse(gunzipSync(readFileSync(whole(checkout))).toString());
}

/** Records the answers of a revision, in a work tree that is removed afterwards. */
async function recordRevision(revision: string): Promise<Recorded> {
  const checkout = join(folder, "revision");
  return await withWorktree(root, checkout, revision, () => {
    console.error(`recording the answers of ${revision}`);
    execFileSync(process.execPath, ["testing/golden/golden.ts", "--record"], {
      cwd: checkout,
      stdio: ["ignore", "ignore", "inherit"],
    });
    return readWhole(checkout);
  });
}

const ends: (() => Promise<void>)[] = [];
try {
  process.exitCode = await main({ after: (end) => void ends.unshift(end) });
} finally {
  for (const end of ends) await end();
}

/** For tests: a community with an export, and PyTorch, where it is installed. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { readPart } from "../../db/bundle/read-records.ts";
import { bundleFiles } from "../../db/bundle/records.ts";
import { writeRecords } from "../../db/bundle/write-records.ts";
import type { Database } from "../../db/connect.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import type { Scope } from "../../db/testing.ts";
import { writeSyntheticCommunity } from "../data/synthetic/write-synthetic-community.ts";
import { Random } from "../models/nn/random.ts";
import { temporaryFolder } from "../testing.ts";
import { configSchema } from "../training/config/config.ts";
import type { ExportContext, ExportOptions } from "./export-data.ts";
import { wholeExport } from "./shard.ts";

const cluster = fileURLToPath(new URL("../../cluster", import.meta.url));
/** Debian's, which has its packages; another Python that is first in the path may not. */
const python = "/usr/bin/python3";

/** Says whether there is PyTorch without loading it, which takes two seconds of a processor. */
const findTorch =
  "import sys, importlib.util as u; sys.exit(not (u.find_spec('torch') and u.find_spec('safetensors')))";
/** For the option `skip` of a test: false, or why PyTorch cannot be asked. */
export const withoutTorch: false | string =
  spawnSync(python, ["-c", findTorch]).status === 0 ? false : "needs PyTorch: bash cluster/setup.sh";

/** Runs a program of cluster/ and gives what it printed, on both streams in one order; `onStart` is given its process id. */
export async function runCluster(
  program: string,
  args: string[],
  env: Record<string, string> = {},
  onStart?: (pid: number) => void,
): Promise<{ output: string; code: number | null }> {
  const command = program.endsWith(".sh") ? "bash" : python;
  const started = spawn(command, [join(cluster, program), ...args], { env: { ...process.env, ...env } });
  let output = "";
  for (const stream of [started.stdout, started.stderr]) stream.on("data", (chunk) => (output += chunk));
  if (started.pid !== undefined) onStart?.(started.pid);
  const code = await new Promise<number | null>((resolve) => started.on("close", resolve));
  return { output, code };
}

/** Runs programs of cluster/ as `runCluster` does, in forks of one process that has loaded PyTorch. */
export type ClusterPrograms = (program: string, args: string[]) => Promise<{ output: string; code: number }>;

export function startClusterPrograms(scope: Scope): ClusterPrograms {
  const started = spawn(python, [join(cluster, "testing_programs.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface(started.stdout)[Symbol.asyncIterator]();
  scope.after(async () => void started.stdin.end());
  return async (program, args) => {
    started.stdin.write(`${JSON.stringify([program, args])}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error("testing_programs.py has ended");
    return JSON.parse(value);
  };
}

/** Returns the output of a program of cluster/. Throws where its exit code is not 0. */
export function requireSuccess({ output, code }: { output: string; code: number | null }): string {
  assert.equal(code, 0, output);
  return output;
}

/** Fills a database with a synthetic community that has several row groups of pairs; where asked, nine of ten posts and users have a vector. */
export async function fillCommunityToExport(
  scope: Scope,
  database: Database,
  { withVectors = false, users = 150, posts = 500 } = {},
): Promise<void> {
  const folder = await temporaryFolder(scope);
  await writeSyntheticCommunity(folder, { seed: 3, users, posts, days: 40, follows: true });
  if (withVectors) await writeVectors(folder);
  await importBundle(database, folder);
}

/** Of each letter how often a title, or a bio with its passions, has it, and noise. */
async function writeVectors(folder: string): Promise<void> {
  const random = new Random(1);
  let number = 0;
  const vectorOf = (text: string) => {
    const vector = Array.from({ length: 26 }, () => random.normal() / 4);
    for (const letter of text.toLowerCase()) if (letter >= "a" && letter <= "z") vector[letter.charCodeAt(0) - 97]++;
    return number++ % 10 > 0 ? vector : undefined;
  };
  const ofPosts = writeRecords(folder, "post_vectors");
  for await (const { records } of readPart("posts", join(folder, bundleFiles.posts.name)))
    for (const { id, title } of records) {
      const vector = vectorOf(title);
      if (vector) await ofPosts.write({ post_id: id, vector });
    }
  await ofPosts.close();
  const ofUsers = writeRecords(folder, "user_vectors");
  for await (const { records } of readPart("users", join(folder, bundleFiles.users.name)))
    for (const { id, bio, passions } of records) {
      const vector = vectorOf([bio, ...passions].join(" "));
      if (vector) await ofUsers.write({ user_id: id, vector });
    }
  await ofUsers.close();
}

/** A training that takes seconds. */
export const quickConfig = configSchema.parse({
  towers: {
    withPages: { epochs: 2 },
    epochsOf: { before: 2 },
    leastSteps: 8,
    leastBatch: 64,
    tokenRows: 4096,
    samplingCorrection: 0.7,
  },
  ranker: { epochs: 2, rows: 24, hardNegatives: 12, pageRows: 16, maximumRequests: 400 },
});

export function exportOptions(folder: string, options: Partial<ExportOptions> = {}): ExportOptions {
  return { folder, shard: wholeExport, seed: 1, config: quickConfig, ...options };
}

export function exportContext(database: Database, print: (line: string) => void = () => {}): ExportContext {
  return { database, print, onProgress: () => {}, signal: new AbortController().signal };
}

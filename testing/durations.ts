import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import type { FileTotals } from "./start-test-process.ts";

const path = ".recsys/test-seconds.json";

/** How long each test file took when it last ran here, on the same kind of database. */
async function lastSeconds(): Promise<Record<string, number>> {
  return JSON.parse(await readFile(path, "utf8").catch(() => "{}"));
}

const keyOf = (file: string) => (process.env.TEST_DATABASE_URL === "embedded" ? `${file} (embedded)` : file);

/** Test files in the order in which those that run at the same time end together: the longest first, and before them what is not known, by its size. */
export async function longestFirst(files: string[]): Promise<string[]> {
  const last = await lastSeconds();
  const seconds = (file: string) => last[keyOf(file)] ?? 1e6 + statSync(file).size;
  return files.toSorted((a, b) => seconds(b) - seconds(a));
}

/** Test files in a random order, which is the same for the same seed. */
export function shuffled(files: string[], seed: number): string[] {
  const keyed = files.map((file) => [createHash("sha256").update(`${seed} ${file}`).digest("hex"), file]);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

/** Keeps how long files took, and prints those that took longest. */
export async function printSlowest(ofFiles: Map<string, FileTotals>): Promise<void> {
  const sorted = [...ofFiles].filter(([, { seconds }]) => seconds > 0).sort(([, a], [, b]) => b.seconds - a.seconds);
  const seconds = Object.fromEntries(sorted.map(([file, totals]) => [keyOf(file), totals.seconds]));
  await mkdir(".recsys", { recursive: true });
  // a test of the runner runs one at the same time
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify({ ...(await lastSeconds()), ...seconds }, undefined, 1));
  await rename(unfinished, path);
  const slowest = sorted.slice(0, 10).map(([file, totals]) => `${file} ${totals.seconds.toFixed(0)} s`);
  if (sorted.length > slowest.length) console.log(`The slowest: ${slowest.join(", ")}.`);
}

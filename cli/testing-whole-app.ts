/** For tests: an app that is adopted from its tables to a model that serves, as docs/adopting.md and docs/drafting.md have it. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineMigrations } from "../adopt/init/init.ts";
import { fixture } from "../adopt/testing.ts";
import { emptyDatabase } from "../adopt/testing-blog.ts";
import { applyEdits, type Edit } from "../adopt/testing-whole-apps.ts";
import type { Database } from "../db/connect.ts";
import type { Scope } from "../db/testing.ts";
import { recsys as run } from "./testing.ts";

/** How many rows a fixture makes. */
interface Size {
  people: number;
  posts: number;
  deeds: number;
}

/** A training of seconds: what is asked here is not how good the feeds are. */
const smallTraining = `
towers: { epochsOf: { others: 2 }, leastSteps: 8, withPages: { epochs: 1 } }
ranker: { epochs: 1, maximumRequests: 400 }
`;

/** An app of fixtures/ with its rows, in a database that does not know the recommender. */
export async function appWithRows(scope: Scope, name: string, size: Size): Promise<Database> {
  const database = await emptyDatabase(scope, name);
  const sizes = Object.entries(size).map(([what, rows]) => `set fixture.${what} = ${rows};`);
  await database.pool.query(`${sizes.join(" ")}\n${await fixture(name)}`);
  await database.pool.query("analyze");
  return database;
}

/** Installs the engine in the app's database, drafts its views by the command, changes what the edits say, and applies that; gives back what was applied. */
export async function adopt({ pool, url }: Database, edits: Edit[]): Promise<string> {
  for (const { sql } of await engineMigrations()) await pool.query(sql);
  const drafted = await recsys(["draft", "--database", url]);
  const edited = applyEdits(drafted, edits);
  await pool.query(edited);
  return edited;
}

/** Does what `recsys check` says to do, as it is printed, until it says nothing new; gives back the lines that are left. */
export async function cure({ pool, url }: Database): Promise<{ done: string[]; left: string[] }> {
  const done: string[] = [];
  for (;;) {
    const left = (await recsys(["check", "--database", url], [0, 1])).trim().split("\n");
    const next = left
      .map((line) => / What to do: (.*)$/.exec(line)?.[1] ?? "")
      .filter((what) => /^(select|grant|create|alter|drop|analyze) /.test(what) && !done.includes(what));
    if (next.length === 0) return { done, left };
    for (const statement of next) {
      await pool.query(statement).catch((error) => assert.fail(`${statement}: ${error.message}`));
      done.push(statement);
    }
  }
}

/** Rolls up and trains, by the command; gives back the folder of the model, which is gone when the scope is over. */
export async function train(scope: Scope, { url }: Pick<Database, "url">): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-whole-"));
  scope.after(() => rm(folder, { recursive: true }));
  const config = join(folder, "config.yaml");
  await writeFile(config, smallTraining);
  const model = join(folder, "model");
  await recsys(["train", "--database", url, "--config", config, "--out", model]);
  return model;
}

/** Publishes a model by the command. */
export async function publish({ url }: Pick<Database, "url">, model: string): Promise<void> {
  await recsys(["publish", model, "--database", url]);
}

/** What an app forbids: the statement of fixtures/oracles/, asked of pairs of a reader and an item. Those that break no rule are under "". */
export async function forbidden(
  { pool }: Database,
  name: string,
  shown: { reader: string; item: string }[],
): Promise<Record<string, number>> {
  const oracle = await readFile(oracleOf(name), "utf8");
  const { rows } = await pool.query<{ why: string | null; items: number }>(oracle, [
    shown.map(({ reader }) => reader),
    shown.map(({ item }) => item),
  ]);
  return Object.fromEntries(rows.map(({ why, items }) => [why ?? "", items]));
}

/** The rules that an oracle has, without that of items that are gone. */
export async function rulesOf(name: string): Promise<string[]> {
  const oracle = await readFile(oracleOf(name), "utf8");
  return [...oracle.matchAll(/^ {4}\('((?:[^']|'')+)'/gm)]
    .map(([, why]) => why.replaceAll("''", "'"))
    .filter((why) => why !== "gone");
}

function oracleOf(name: string): URL {
  return new URL(`../adopt/fixtures/oracles/${name}.sql`, import.meta.url);
}

async function recsys(args: string[], statuses = [0]): Promise<string> {
  const { status, stdout, stderr } = await run(args);
  assert.ok(statuses.includes(status), `recsys ${args[0]} ends with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}

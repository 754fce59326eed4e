/** `recsys serve` as a process: how it ends. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { testDatabase } from "../db/testing.ts";
import { userToken } from "../supabase/functions/_local/user-token.ts";
import { people, uuid } from "../testing/community.ts";
import { embeddedCommunity } from "../testing/embed.ts";
import { signingKey } from "./signing-key.ts";

const database = await testDatabase({ after }, "serve");
const { pool, url } = database;
const cli = fileURLToPath(new URL("../cli/cli.ts", import.meta.url));

/** Starts it on any free port, and waits until it says where it serves. */
async function serving(t: TestContext): Promise<{ child: ChildProcess; address: string; said: string[] }> {
  const child = spawn(process.execPath, [cli, "serve", "--database", url, "--port", "0"]);
  t.after(() => child.kill("SIGKILL"));
  const said: string[] = [];
  createInterface(child.stderr).on("line", (line) => said.push(line));
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/localhost:\d+/.exec(line)?.[0];
    if (address) return { child, address, said };
  }
  throw new Error(`it does not serve: ${said.join("\n")}`);
}

async function answers(address: string): Promise<boolean> {
  return await fetch(`${address}/health`).then(
    (response) => response.ok,
    () => false,
  );
}

async function isGone(address: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (!(await answers(address))) return true;
    await new Promise((later) => setTimeout(later, 20));
  }
  return false;
}

test("a post is recommendable by its text within 15 seconds of its insert, and a new user by theirs", async (t) => {
  await embeddedCommunity(database);
  const { address, said } = await serving(t);
  const [newcomer, kite] = [uuid("a", 9), uuid("d", 1)];
  const key = await signingKey(fileURLToPath(new URL("../.recsys", import.meta.url)));
  const feed = async () => {
    const response = await fetch(`${address}/functions/v1/recommend?limit=100`, {
      headers: { authorization: `Bearer ${await userToken(key, address, newcomer)}` },
    });
    return await response.json();
  };
  await pool.query("insert into public.profiles (id, bio) values ($1, 'I build kites of paper and silk')", [newcomer]);
  assert.equal((await feed()).basis, "profile", "on the first request, from what they say of themselves");
  // older than all others and without an author, so that only its text can find it
  await pool.query(
    "insert into public.posts (id, author_id, title, created_at) values ($1, $2, 'How to build kites of silk', now() - interval '2 years')",
    [kite, people.author],
  );
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const similarRank = async () => {
    const { rows } = await pool.query(
      `select candidates.ranks -> 'similar' as similar_rank
       from recsys.models
       join recsys.user_embeddings as users on users.model_id = models.model_id and users.user_id = $1
       cross join lateral recsys_engine.retrieve($1, models.model_id, users.embedding, recsys.clock()) as candidates
       where models.status = 'active' and candidates.post_id = $2`,
      [newcomer, kite],
    );
    return rows[0]?.similar_rank ?? null;
  };
  while ((await similarRank()) === null && seconds() < 60) await new Promise((later) => setTimeout(later, 100));
  assert.equal(await similarRank(), 1, said.join("\n"));
  assert.ok(seconds() < 15, `after ${seconds()} s`);
  t.diagnostic(`by its text after ${seconds().toFixed(1)} s`);
  const { items } = (await feed()) as { items: { post_id: string; source: string }[] };
  assert.equal(items.find(({ post_id }) => post_id === kite)?.source, "similar");
});

test("Ctrl-C ends it and the functions, with status 0", async (t) => {
  const { child, address, said } = await serving(t);
  assert.ok(await answers(address));
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.ok(await isGone(address));
  assert.deepEqual(said, []);
});

test("killed at once, it leaves no functions behind", async (t) => {
  const { child, address } = await serving(t);
  child.kill("SIGKILL");
  assert.ok(await isGone(address));
});

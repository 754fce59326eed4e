/** Far more clients than one worker serves, under the real Deno and over HTTP. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase, withOneSession } from "../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../testing/community.ts";
import { startGateway } from "./gateway.ts";

const skip = await withOneSession();
const { pool, url: databaseUrl } = await testDatabase({ after }, "gateway_load");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });
await pool.query("update recsys.settings set requests_per_minute = null");
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const lines: string[] = [];
const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: (line) => lines.push(line) });
after(() => gateway.stop());
const users = [people.ada, people.ben, people.eve, people.author];
const tokens = await Promise.all(users.map((user) => gateway.tokenOf(user)));

const clients = 200;
/** Every request has a deadline of 15 seconds; what comes later is no answer. */
const longest = 15_000;

/** One client's requests, in turns a feed and an event. */
async function ask(client: number, signal: AbortSignal | null = null) {
  const headers = { authorization: `Bearer ${tokens[client % tokens.length]}` };
  const events = JSON.stringify({ events: [{ id: crypto.randomUUID(), type: "login" }] });
  const started = performance.now();
  const response = await (client % 2
    ? fetch(`${gateway.url}/functions/v1/events`, { headers, method: "POST", body: events, signal })
    : fetch(`${gateway.url}/functions/v1/recommend?limit=5`, { headers, signal }));
  const { error } = await response.json();
  const retryAfter = Number(response.headers.get("retry-after"));
  return { status: response.status, code: error?.code, retryAfter, took: performance.now() - started };
}

/** What so many clients are answered in so many milliseconds; each asks again as soon as it was answered. */
async function askFor(milliseconds: number, impatient = 0) {
  const until = performance.now() + milliseconds;
  const answers: Awaited<ReturnType<typeof ask>>[] = [];
  const oneClient = async (client: number) => {
    while (performance.now() < until)
      if (client < impatient) {
        const signal = AbortSignal.timeout(5 + ((client * 7) % 200));
        await ask(client, signal).catch((error) => assert.equal(error.name, "TimeoutError", error));
      } else {
        const answer = await ask(client);
        answers.push(answer);
        if (answer.status === 429) await setTimeout(50);
      }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => oneClient(client)));
  return answers;
}

test("while the database works, each of 200 clients is answered in time, or told when to come again", {
  skip,
}, async (t) => {
  const answers = await askFor(3_000);
  const served = answers.filter(({ status }) => status === 200);
  const shed = answers.filter(({ status, code }) => status === 429 && code === "overloaded");
  const others = answers.filter((answer) => !served.includes(answer) && !shed.includes(answer));
  t.diagnostic(`${served.length} served, ${shed.length} shed`);
  assert.deepEqual(others, [], lines.filter((line) => !line.includes('"overloaded"')).join("\n"));
  assert.ok(served.length > 0 && shed.length > 0);
  for (const { retryAfter } of shed) assert.ok(retryAfter >= 1 && retryAfter <= 10, `${retryAfter}`);
  for (const { took } of answers) assert.ok(took < longest, `${took} ms`);
});

test("clients that leave and connections that the database closes break nothing else", { skip }, async () => {
  lines.length = 0;
  const over = new AbortController();
  const closing = (async () => {
    const { rows } = await pool.query("select pg_backend_pid() as pid");
    const own = rows[0].pid;
    while (!over.signal.aborted) {
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'recsys' and datname = current_database() and pid not in ($1, pg_backend_pid())
        limit 1`,
        [own],
      );
      await setTimeout(50);
    }
  })();
  const answers = await askFor(3_000, clients / 2).finally(() => over.abort());
  await closing;
  const codes = new Set(answers.map(({ status, code }) => `${status} ${code ?? ""}`.trim()));
  for (const code of codes) assert.ok(["200", "429 overloaded", "503 database_unavailable"].includes(code), code);
  assert.deepEqual(
    lines.filter((line) => line.includes("EBADF")),
    [],
  );
  const { status, code } = await ask(0);
  assert.deepEqual([status, code], [200, undefined]);
});

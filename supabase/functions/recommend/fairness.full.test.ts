/**
 * Five people ask for the slowest feeds allowed, twice a second each, and others ask meanwhile: all of these get a
 * live feed. SOAK: how many of their feeds; 63 by default.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const oneSession = await withOneSession();

const feeds = Number(process.env.SOAK ?? 63);
const heavy = [1, 2, 3, 4, 5].map((n) => uuid("f", n));
const others = Array.from({ length: 60 }, (_, n) => uuid("e", n));
const { pool, url } = await testDatabase({ after }, "fairness");

test(`five slow people, and ${feeds} feeds of others`, { skip: oneSession }, async (t) => {
  await fillCommunity(pool);
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [[...heavy, ...others]]);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set requests_per_minute = null");
  const context = "recsys_engine.user_context(uuid, bigint, timestamptz)";
  const { rows } = await pool.query("select pg_get_functiondef($1::regprocedure) as definition", [context]);
  const slow = `if p_user_id = any ('{${heavy}}'::uuid[]) then perform pg_sleep(2.5); end if;`;
  await pool.query(rows[0].definition.replace("\nbegin\n", `\nbegin\n  ${slow}\n`));
  const app = testApp(t, url);
  await app.call(people.ada);

  let isOver = false;
  const statuses = new Map<number, number>();
  const attack = heavy.map(async (person) => {
    const asked: Promise<void>[] = [];
    while (!isOver) {
      const answered = ({ status }: { status: number }) => void statuses.set(status, (statuses.get(status) ?? 0) + 1);
      asked.push(app.call(person).then(answered));
      await setTimeout(500);
    }
    await Promise.all(asked);
  });
  // until the first feeds of theirs have shown how slow they are
  await setTimeout(4_000);
  const answers: string[] = [];
  let slowest = 0;
  const lanes = [0, 1].map(async () => {
    while (answers.length < feeds) {
      const n = answers.push("none") - 1;
      const started = performance.now();
      const { status, body } = await app.call(others[n % others.length]);
      slowest = Math.max(slowest, performance.now() - started);
      answers[n] = status === 200 ? String(body.degraded) : (body.error?.code ?? "");
      await setTimeout(50);
    }
  });
  await Promise.all(lanes);
  isOver = true;
  await Promise.all(attack);
  t.diagnostic(`the slowest took ${slowest.toFixed(0)} ms; of the five: ${JSON.stringify([...statuses])}`);
  assert.deepEqual([...new Set(answers)], ["null"]);
});

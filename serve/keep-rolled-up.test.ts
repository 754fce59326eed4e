import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../db/testing.ts";
import { fillCommunity, people, post } from "../testing/community.ts";
import { runRollUpLoop } from "./background-loops.ts";

const { pool } = await testDatabase({ after }, "rolled_up");

test("a vote reaches the feature store without anyone asking, until it is stopped", async () => {
  await fillCommunity(pool);
  const votes = async (n: number) =>
    (await pool.query("select max(votes) as votes from recsys_engine.post_stats where post_id = $1", [post(n)])).rows[0]
      .votes;
  const vote = (n: number) =>
    pool.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [people.ben, post(n)]);
  const stop = await runRollUpLoop(pool, { every: 10 });
  await vote(3);
  for (let tries = 0; tries < 200 && (await votes(3)) === null; tries++)
    await new Promise((later) => setTimeout(later, 10));
  assert.equal(await votes(3), 1);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.ben, post(5)]);
  await pool.query("delete from public.posts where id = $1", [post(5)]);
  const dismissals = async () => (await pool.query("select from recsys.dismissals")).rowCount;
  for (let tries = 0; tries < 200 && (await dismissals()) !== 0; tries++)
    await new Promise((later) => setTimeout(later, 10));
  assert.equal(await dismissals(), 0, "what the app deletes is erased");
  await stop();
  await vote(4);
  await new Promise((later) => setTimeout(later, 100));
  assert.equal(await votes(4), null);
});

test("a call that fails does not end it", async () => {
  const errors: unknown[] = [];
  let calls = 0;
  const failing = {
    async query(text: string) {
      if (text.includes("to_regclass")) return { rows: [{ present: false }] };
      calls++;
      throw new Error("down");
    },
  };
  const stop = await runRollUpLoop(failing as never, { every: 1, onError: (error) => errors.push(error) });
  while (calls < 3) await new Promise((later) => setTimeout(later, 1));
  await stop();
  assert.equal(errors.length, calls);
});

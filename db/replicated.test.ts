/** What logical replication brings is followed. Two servers: own-project.full.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillCommunity, people, post, uuid } from "../testing/community.ts";
import { testDatabase } from "./testing.ts";

test("rows that arrive by replication are queued after follow_replication(), and not before", async (t) => {
  const { pool } = await testDatabase(t, "replicated");
  await fillCommunity(pool);
  /** Runs a statement as the worker of a subscription does, whose rows fire no ordinary trigger; returns the queued posts and users. */
  const arrives = async (statement: string, values: string[]) => {
    await pool.query("truncate recsys_engine.feature_changes, recsys_engine.embedding_jobs");
    const client = await pool.connect();
    try {
      await client.query("set session_replication_role = replica");
      await client.query(statement, values);
    } finally {
      await client.query("reset session_replication_role");
      client.release();
    }
    const { rows } = await pool.query(
      `select 'change' as what, coalesce(post_id, user_id) as id from recsys_engine.feature_changes
       union select 'job', entity_id from recsys_engine.embedding_jobs order by 1, 2`,
    );
    return rows.map(({ what, id }) => `${what} ${id}`);
  };
  const vote = "insert into public.post_votes (user_id, post_id) values ($1, $2)";
  assert.deepEqual(await arrives(vote, [people.ada, post(4)]), []);
  const { rows } = await pool.query("select recsys_engine.follow_replication() as watches");
  assert.ok(rows[0].watches >= 8, `${rows[0].watches} watches`);
  assert.deepEqual(await arrives(vote, [people.ada, post(5)]), [`change ${post(5)}`]);
  const written = uuid("d", 1);
  await arrives("insert into public.posts (id, author_id, title, tags) values ($1, $2, 'Fresh', '{sql}')", [
    written,
    people.author,
  ]);
  assert.equal(
    (await pool.query("select from recsys_engine.post_tags where post_id = $1", [written])).rowCount,
    1,
    "its tags find it",
  );
  const rename = "update public.posts set title = $2 where id = $1";
  assert.ok((await arrives(rename, [written, "Fresher"])).includes(`job ${written}`));
  assert.deepEqual(await arrives("update public.posts set external_id = $2 where id = $1", [written, "x"]), []);
  await arrives("delete from public.posts where id = $1", [written]);
  const { rowCount } = await pool.query("select from recsys.erasures where kind = 'post' and entity_id = $1", [
    written,
  ]);
  assert.equal(rowCount, 1, "its deletion is forgotten by the engine, too");
});

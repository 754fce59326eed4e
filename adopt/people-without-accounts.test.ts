/** People whom an app knows and auth.users does not: their posts stay, and users can mute them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { CheckRow } from "../cli/commands/check.ts";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt } = await draftedApps({ after });

// the fourth person came from elsewhere: wrote a story, voted for another one, and was blocked by the second
const guest = `
  alter table person alter column auth_id drop not null;
  insert into person (name) values ('guest');
  insert into story (title, creator_id, community_id, published) values ('From afar', 4, 1, '2024-01-03');
  insert into votes (user_id, story_id, vote) values (4, 1, 1);
  insert into person_block values (2, 4);`;
const account = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

test("who has no account is known by an id that no post has", { skip }, async (t) => {
  const { pool, sql, unsure } = await adopt("links", guest);
  const one = async (query: string, values: unknown[] = []) =>
    (await pool.query({ text: query, values, rowMode: "array" })).rows.map(([value]) => value);
  const [id] = await one("select recsys.person_id_of(4)");

  await t.test("their posts are there, with them as the author", async () => {
    assert.deepEqual(await one("select author_id from recsys.source_posts where title = 'From afar'"), [id]);
    assert.deepEqual(await one("select author_id from recsys.source_posts where title = 'Borrowing'"), [account(1)]);
    assert.notEqual(id, (await one("select recsys.id_of(4)"))[0]);
    assert.ok(unsure.some((line) => /^public\.person: whoever has no auth_id is known by an id made of id/.test(line)));
  });
  await t.test("whoever muted them is shown nothing by them", async () => {
    const feed = (n: number) =>
      one("select title from recsys_engine.eligible_posts(recsys_engine.feed_request($1, now())) order by 1", [
        account(n),
      ]);
    assert.deepEqual(await feed(2), []);
    assert.deepEqual(await feed(3), ["From afar"]);
  });
  await t.test("what they did counts, and is followed", async () => {
    assert.deepEqual(await one("select kind from recsys.source_interactions where user_id = $1", [id]), ["vote"]);
    await pool.query("select recsys.roll_up(null); insert into votes (user_id, story_id, vote) values (4, 1, 1)");
    assert.deepEqual(await one("select user_id from recsys_engine.feature_changes"), [id]);
    await pool.query("select recsys.roll_up(null)");
    assert.deepEqual(await one("select recsys_engine.feature_store_differences()"), []);
  });
  await t.test("a post stays where its reader may not read who wrote it", async () => {
    const client = await pool.connect();
    await client.query(`begin; grant select on all tables in schema public to authenticated;
      alter table person enable row level security; set local role authenticated`);
    const { rows } = await client.query("select title, author_id from recsys.source_posts order by title");
    await client.query("rollback");
    client.release();
    assert.deepEqual(rows, [
      { title: "Borrowing", author_id: null },
      { title: "From afar", author_id: null },
    ]);
  });
  await t.test("check proposes to follow their table as the draft does", async () => {
    const drafted = sql.match(/^select recsys\.watch\('public\.votes'.*$/m)?.[0];
    assert.match(drafted ?? "", /p_user_lookup => '\{public\.person,id,recsys_user_id\}'/);
    await pool.query(`do $$ declare name text; begin
      for name in select tgname from pg_trigger where tgrelid = 'votes'::regclass and tgname like 'recsys%' loop execute format('drop trigger %I on votes', name); end loop;
    end $$`);
    const { rows } = await pool.query<CheckRow>(
      "select * from recsys_engine.check_upkeep() where problem ~ 'public.votes'",
    );
    assert.match(rows[0].cure, /p_user_lookup => '\{public\.person,id,recsys_user_id\}'/);
  });
});

test("where everybody has to have an account, nothing is added to the table of people", { skip }, async () => {
  const { sql } = await adopt("links");
  assert.doesNotMatch(sql, /alter table public\.person|recsys_user_id/);
});

/** Whatever an app's tables are, the draft is SQL that PostgreSQL takes, whose views can be read, and which does nothing else; and each call of recsys.watch that check proposes is taken. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { withoutPostgres } from "../db/testing.ts";
import { readTables } from "./catalog/read-catalog.ts";
import { Questions } from "./catalog/read-samples.ts";
import { coverageOf } from "./coverage/coverage.ts";
import { namesAccounts } from "./draft/draft-people.ts";
import { draftViews } from "./draft/draft-views.ts";
import { appDatabases } from "./testing.ts";
import { randomApp } from "./testing-random-app.ts";

const noPostgres = await withoutPostgres();

test("the draft for a random app is applied, and its views are read", { skip: noPostgres }, async (t) => {
  const newDatabase = await appDatabases({ after });
  const { pool } = await newDatabase("random");
  const client = await pool.connect();
  const found = {
    people: 0,
    posts: 0,
    interactions: 0,
    dismissals: 0,
    onComments: 0,
    accounts: 0,
    logins: 0,
    mutes: 0,
    follows: 0,
    groups: 0,
    memberships: 0,
    lookups: 0,
    proposals: 0,
  };
  try {
    await fc.assert(
      fc.asyncProperty(randomApp, async (statements) => {
        await client.query(`begin; create schema "Other Schema"; create table canary (); create type some_state as enum ('draft', 'public', 'it''s');
          create domain some_text as text; create domain some_id as bigint`);
        try {
          for (const statement of statements) {
            await client.query("savepoint before");
            await client.query(statement).catch(() => client.query("rollback to before"));
          }
          const catalog = await readTables(client);
          const { sql, roles, uses } = draftViews(catalog);
          const { lines } = await coverageOf(new Questions(client), catalog, roles, uses);
          // whatever names and values are in it, each line stays a comment
          for (const line of lines) assert.doesNotMatch(line, /[\n\r\u0085\u2028\u2029]/u);
          const uncounted = lines.filter((line) => /not counted/.test(line));
          assert.deepEqual(uncounted, [], `${statements.join(";\n")}\n${sql}`);
          await client.query(sql).catch((error) => assert.fail(`${error.message}\n${statements.join(";\n")}\n${sql}`));
          for (const view of [
            "users",
            "posts",
            "interactions",
            "dismissals",
            "logins",
            "mutes",
            "follows",
            "memberships",
            "post_scopes",
          ])
            await client
              .query(`select * from recsys.source_${view}`)
              .catch((error) => assert.fail(`${view}: ${error.message}\n${statements.join(";\n")}\n${sql}`));
          const open = await client.query(
            "select view from unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_dismissals,recsys.source_logins,recsys.source_mutes,recsys.source_follows,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as view where not recsys_engine.is_invoker_view(view::regclass)",
          );
          assert.deepEqual(open.rows, []);
          assert.equal(
            (await client.query("select to_regclass('public.canary') is not null as kept")).rows[0].kept,
            true,
          );
          await client.query(
            `do $$ declare watched record; begin
               for watched in select tgrelid::regclass as name, tgname from pg_trigger where tgname ~ '^recsys_' and tgname ~ '_(insert|update|delete|truncate)$' and tgparentid = 0
               loop execute format('drop trigger %I on %s', watched.tgname, watched.name); end loop;
             end $$`,
          );
          // posts first, since what names them is told by their table
          for (const pass of ["posts", "the others"]) {
            const { rows } = await client.query<{ cure: string }>(
              "select cure from recsys_engine.check_upkeep() where cure ~ '^select recsys.watch'",
            );
            found.proposals += rows.length;
            for (const { cure } of rows)
              await client
                .query(cure)
                .catch((error) => assert.fail(`${pass}: ${error.message}\n${cure}\n${statements.join(";\n")}`));
          }
          found.people += roles.people ? 1 : 0;
          found.posts += roles.contents.length > 0 ? 1 : 0;
          found.interactions += roles.actions.deeds.some(({ action }) => action !== "dismissal") ? 1 : 0;
          found.dismissals += roles.actions.deeds.some(({ direction }) => direction) ? 1 : 0;
          found.onComments += roles.actions.onComments.length > 0 ? 1 : 0;
          found.accounts += namesAccounts(roles) ? 1 : 0;
          found.logins += roles.logins ? 1 : 0;
          found.lookups += /p_user_lookup/.test(sql) ? 1 : 0;
          found.mutes += roles.muted.mutes.length > 0 ? 1 : 0;
          found.follows += roles.followed.follows.length > 0 ? 1 : 0;
          found.groups += roles.contents.some(({ groups }) => groups.length > 0) ? 1 : 0;
          found.memberships += roles.belonging.members.length > 0 ? 1 : 0;
        } finally {
          await client.query("rollback");
        }
      }),
      { numRuns: Number(process.env.SOAK ?? 30) },
    );
  } finally {
    client.release();
  }
  // a draft that is always empty would be valid too
  t.diagnostic(JSON.stringify(found));
  assert.ok(found.people > 0 && found.posts > 0, JSON.stringify(found));
});

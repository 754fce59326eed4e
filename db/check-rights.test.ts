/** recsys_engine.check_access() over the blog of docs/adopting.md: each right that a feed needs of its caller is missed, and given back by its cure. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type pg from "pg";
import { adoptedBlog } from "../adopt/testing-blog.ts";
import type { CheckRow } from "../cli/commands/check.ts";
import { isFull } from "../testing/courses.ts";
import type { Database } from "./connect.ts";
import { withoutPostgres } from "./testing.ts";

const skip = await withoutPostgres();
const database = skip ? undefined : await adoptedBlog({ after }, "check_rights");

/** What members may do in the schema recsys, as statements that take it away. */
async function rightsOfMembers(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query(
    `select what, verb from (
     select 'function ' || oid::regprocedure as what, 'execute' as verb from pg_proc
     where pronamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and has_function_privilege('authenticated', oid, 'execute')
     union all
     select 'table ' || oid::regclass, 'select' from pg_class
     where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind in ('r', 'p', 'v') and has_any_column_privilege('authenticated', oid, 'select')
       and not relispartition) as rights
     order by verb, what collate "C"`,
  );
  return rows.map(({ what, verb }) => `${verb} on ${what}`);
}

/** How many columns of the engine members may read. */
async function columnsOfMembers(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query(
    `select count(*)::int as number from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
     where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind in ('r', 'p', 'v') and has_column_privilege('authenticated', pg_class.oid, attnum, 'select')`,
  );
  return rows[0].number;
}

/**
 * Nothing of a feed depends on these: logins are read by the roll-up, days by whose they are, neighbours are added up by the service role, whom to
 * follow is told by another function, only functions of 1.0.0 call its names, posts wait only where an author writes many a day, and this app's ids are no texts, none of people and say no time.
 */
const besidesFeeds = [
  "execute on function recsys.event_id_of(integer,text)",
  "execute on function recsys.id_of(text)",
  "execute on function recsys.person_id_of(bigint)",
  "execute on function recsys.person_id_of(text)",
  "execute on function recsys.time_of_id(text,text)",
  "execute on function recsys_engine.common_sources(recsys_engine.feed_request,text)",
  "execute on function recsys_engine.follow_reason(bigint,uuid[])",
  "execute on function recsys_engine.given_posts(uuid,uuid[],jsonb,bigint)",
  "execute on function recsys_engine.new_posts(uuid,timestamp with time zone,jsonb,integer)",
  "execute on function recsys_engine.newest_listed(recsys_engine.feed_request,integer,timestamp with time zone,integer)",
  "execute on function recsys_engine.parse_base_n(text,text)",
  "execute on function recsys_engine.people_to_follow(uuid,integer)",
  "execute on function recsys_engine.posts_like(uuid,integer)",
  "execute on function recsys_engine.topics_to_follow(uuid,integer,text)",
  "execute on function recsys_engine.user_vectors(uuid,bigint,timestamp with time zone,uuid[])",
  "execute on function recsys_engine.with_pool(recsys_engine.feed_request,bigint,extensions.vector,boolean,double precision)",
  "select on table recsys.source_logins",
  "select on table recsys_engine.post_neighbours",
  "select on table recsys_engine.user_days",
];

/**
 * Runs the cures of check_access(), and those of what these reveal, until nothing is missing. A cure in words is of a function of a name that
 * others have, too: it waits for a round in which the members, who ask for it as well, have it.
 */
async function cureAll(client: pg.PoolClient, mostRounds: number): Promise<void> {
  for (let rounds = 0; ; rounds++) {
    // PL/pgSQL caches expressions with the rights that they had; a new session would not have them
    await client.query("discard plans");
    const { rows } = await client.query<CheckRow>("select * from recsys_engine.check_access()");
    if (rows.length === 0) return;
    const statements = rows.filter(({ cure }) => cure.startsWith("grant "));
    assert.ok(rounds < mostRounds && statements.length > 0, rows[0].cure);
    for (const { cure } of statements) await client.query(cure);
  }
}

test("each right that a feed needs of its caller is missed by check, and given back by its cure", {
  skip,
}, async () => {
  const client = await (database as Database).pool.connect();
  try {
    await client.query("begin");
    const rights = await rightsOfMembers(client);
    assert.ok(rights.length > 40);
    const columns = await columnsOfMembers(client);
    // together they take a tenth of the time; of two functions of one name the cure is no statement, so that neighbours are apart
    const portions = isFull
      ? rights.map((right) => [right])
      : [0, 1, 2, 3, 4].map((part) => rights.filter((_, number) => number % 5 === part));
    const unnoticed: string[] = [];
    for (const portion of portions) {
      await client.query("savepoint whole");
      for (const right of portion) await client.query(`revoke ${right} from authenticated, public`);
      await cureAll(client, portion.length);
      const given = await rightsOfMembers(client);
      assert.ok(
        given.every((right) => rights.includes(right)) && (await columnsOfMembers(client)) <= columns,
        "more than there was",
      );
      unnoticed.push(...portion.filter((right) => !given.includes(right)));
      await client.query("rollback to whole");
    }
    assert.deepEqual(unnoticed.sort(), besidesFeeds);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

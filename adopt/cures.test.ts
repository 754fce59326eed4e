/** What recsys.check() says to do about an app that was drafted: where it is a statement, PostgreSQL takes it as it stands. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { after, test } from "node:test";
import type { CheckRow } from "../cli/commands/check.ts";
import type { Database } from "../db/connect.ts";
import { withoutPostgres } from "../db/testing.ts";
import { pickCases } from "../testing/courses.ts";
import { readingApp, readTables } from "./catalog/read-catalog.ts";
import { draftViews } from "./draft/draft-views.ts";
import { appDatabases, fixture } from "./testing.ts";

const skip = await withoutPostgres();
const newDatabase = skip ? undefined : await appDatabases({ after });
const fixtures = await readdir(new URL("fixtures/", import.meta.url));
const apps = fixtures.filter((file) => file.endsWith(".sql")).map((file) => file.replace(/\.sql$/, ""));

interface Mended {
  left: CheckRow[];
  /** The statements that were run. */
  indexes: string[];
  watched: Map<string, string>;
}

/** Applies the draft, with its calls of recsys.watch or, where only what is followed is asked for, without; and all that check proposes until it proposes no more. */
async function mend(name: string, isWatched: boolean): Promise<Mended> {
  const { pool } = await (newDatabase as NonNullable<typeof newDatabase>)(name);
  // what is proposed hangs on the tables, not on how many rows the larger apps have
  await pool.query(`set fixture.posts = 200; set fixture.deeds = 1000;\n${await fixture(name)}`);
  const { sql } = draftViews(await readingApp(pool, readTables));
  // the apps have few rows each
  await pool.query(
    "create or replace function recsys_engine.is_small(p_table regclass) returns boolean language sql return false",
  );
  await pool.query(isWatched ? sql : sql.replace(/^select recsys\.watch.*$/gm, ""));
  const done = new Set<string>();
  for (;;) {
    const { rows: left } = await pool.query<CheckRow>(
      `select * from ${isWatched ? "recsys.check" : "recsys_engine.check_upkeep"}()`,
    );
    const next = left
      .map(({ cure }) => cure)
      // a policy that the team has yet to design is no statement
      .filter((cure) => /^(select|grant|create|alter) /.test(cure) && !/ with a policy /.test(cure) && !done.has(cure));
    if (next.length === 0)
      return {
        left,
        indexes: [...done].filter((cure) => / index /.test(cure)),
        watched: await watchedTables(pool),
      };
    for (const cure of next) {
      done.add(cure);
      await pool.query(cure).catch((error) => assert.fail(`${cure}: ${error.message}`));
    }
  }
}

/**
 * How each table is followed: the kind, the SQL by which a row names its person and post, and the column of its
 * time.
 */
async function watchedTables(pool: Database["pool"]): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ name: string; told: string }>(
    `select concat_ws(' ', table_name, kind, post_column) as name, concat_ws(', ', watch ->> 'changed_user', watch ->> 'changed_post', created_column) as told
     from recsys.watches where kind in ('interactions', 'logins', 'posts') order by name`,
  );
  return new Map(rows.map(({ name, told }) => [name, told]));
}

/** Where neither keys nor types say it: a row has several times, or a type next to the id; a key has two columns; or the table is watched already, as posts. */
const untold: Record<string, string[]> = {
  aggregator: ["post_actions"],
  // which table a reference is to is in another column
  articles: ["comments", "reactions"],
  forum: ["topic_users", "views"],
  links: ["story_actions"],
  magazine: ['content."Comment"', 'content."Reaction"'],
  makers: ["bookmarks", "comments"],
};

for (const name of pickCases(apps))
  test(`${name}: each statement that check proposes is taken, and follows tables as the draft does`, {
    skip,
  }, async () => {
    const { left, indexes, watched } = await mend(name, true);
    // a chat or a list of todos has hardly anything to look up
    assert.ok(indexes.length > 2 || ["slack-clone", "todos"].includes(name), indexes.join("\n"));
    assert.deepEqual(
      left.filter(({ problem, cure }) => problem.includes("has no index") || indexes.includes(cure)),
      [],
      "what was done takes its line away",
    );
    assert.deepEqual(
      left.filter(({ stops, problem }) => stops && problem.includes("are found only by reading all of")),
      [],
    );
    const unfollowed = left.filter(({ problem }) => problem.endsWith("whose changes nobody follows"));
    for (const { cure } of unfollowed) assert.match(cure, /^if columns of it say .* is worked out for another reason/);
    const proposed = (await mend(name, false)).watched;
    const told = [...watched].filter(
      ([watch]) => !untold[name]?.some((table) => watch.startsWith(`${table} interactions `)),
    );
    assert.deepEqual([...proposed], told);
  });

/**
 * Each app of fixtures/ takes at most three edits of its draft, and the draft names each as a doubt. Small apps get
 * more rows, and their feeds are compared with what the app forbids; whole-apps.test.ts does so for the others.
 */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { after, test } from "node:test";
import { forbidden, rulesOf } from "../cli/testing-whole-app.ts";
import type { Database } from "../db/connect.ts";
import { readingAs } from "../db/reading-as.ts";
import { withoutPostgres } from "../db/testing.ts";
import { pickCases } from "../testing/courses.ts";
import { eligiblePosts } from "./compare-listing.ts";
import { draftDatabase } from "./draft/draft-views.ts";
import { draftedApps, fixture } from "./testing.ts";
import { smallApps } from "./testing-small-apps.ts";
import { applyEdits, type Edit, wholeApps } from "./testing-whole-apps.ts";

const skip = await withoutPostgres();
const { newDatabase } = await draftedApps({ after });

test("each app is tried, and takes three edits at most", () => {
  const apps = [...smallApps, ...wholeApps].map(({ name }) => name);
  const fixtures = globSync(new URL("fixtures/*.sql", import.meta.url).pathname).map((path) => basename(path, ".sql"));
  assert.deepEqual(apps.sort(), fixtures.sort());
  for (const { name, edits } of [...smallApps, ...wholeApps]) assert.ok(edits.length <= 3, name);
});

test("todos: tasks are private, so the draft finds no posts and says so", { skip }, async () => {
  const { database, unsure } = await drafted("todos", []);
  assert.ok(unsure.some((line) => /no table of posts was found; the nearest is public\.todos/.test(line)));
  assert.deepEqual(await offered(database), []);
});

for (const { name, table, edits } of pickCases(smallApps))
  if (table)
    test(`${name}: after ${edits.length} edits, nothing of 10,000 items that feeds may show is forbidden`, {
      skip,
    }, async () => {
      const { database, unsure } = await drafted(name, edits, await rowsOf(name));
      for (const { doubt } of edits)
        assert.ok(
          unsure.some((line) => doubt.test(line)),
          `${doubt}`,
        );
      const { rows: pairs } = await database.pool.query<{ reader: string; item: string }>(
        `select people.user_id as reader, items.id::text as item from recsys.source_users as people cross join ${table} as items`,
      );
      const counts = await forbidden(database, name, pairs);
      for (const rule of await rulesOf(name)) assert.ok(counts[rule] > 0, `something is ${rule}`);
      const shown = await offered(database);
      assert.ok(shown.length >= 10_000, `${shown.length} items`);
      assert.deepEqual(await forbidden(database, name, shown), { "": shown.length });
    });

for (const { name, edits } of pickCases(smallApps))
  for (const edit of edits)
    test(`${name}: without an edit (${edit.why}), something forbidden would be shown`, { skip }, async () => {
      const others = edits.filter((other) => other !== edit);
      const { database } = await drafted(name, others, await rowsOf(name));
      const { "": allowed, ...broken } = await forbidden(database, name, await offered(database));
      assert.ok(allowed > 0);
      assert.equal(Object.keys(broken).length, 1, JSON.stringify(broken));
    });

/** The app with its draft, edited, and what the draft was unsure of. As in a project of Supabase, members may read its tables as far as policies let them. */
async function drafted(name: string, edits: Edit[], rows = "") {
  const database = await newDatabase(name.replace("-", "_"));
  await database.pool.query(`${await fixture(name)};\n${rows}`);
  const { sql, unsure } = await draftDatabase(database.pool);
  await database.pool.query(
    `${applyEdits(sql, edits)};\ngrant select on all tables in schema public to authenticated;\nanalyze`,
  );
  return { database, unsure };
}

async function rowsOf(name: string): Promise<string> {
  return await readFile(new URL(`fixtures/rows/${name}.sql`, import.meta.url), "utf8");
}

/** What the feed of each person may show, by the ids of the app. */
async function offered({ pool }: Database): Promise<{ reader: string; item: string }[]> {
  const { rows: readers } = await pool.query<{ user_id: string }>("select user_id from recsys.source_users");
  const { rows: posts } = await pool.query<{ post_id: string; item: string }>(
    "select post_id, recsys.app_id(post_id, external_id) as item from recsys.source_posts",
  );
  const items = new Map(posts.map(({ post_id, item }) => [post_id, item]));
  const client = await pool.connect();
  const shown: { reader: string; item: string }[] = [];
  try {
    for (const { user_id: reader } of readers) {
      const posts = await readingAs(client, { sub: reader, role: "authenticated" }, () =>
        eligiblePosts(client, reader),
      );
      shown.push(...posts.map((id) => ({ reader, item: items.get(id) ?? id })));
    }
  } finally {
    client.release();
  }
  return shown;
}

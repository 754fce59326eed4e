/** Mutes of the kinds contains and title_contains hide what ilike finds, in SQL, in a feed's posts and in lists made ahead. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { array, asyncProperty, assert as check, constantFrom, record } from "fast-check";
import { MutedPosts, readMutes } from "../trainer/batch/mutes.ts";
import { communityFromDatabase } from "../trainer/data/replay/from-database.ts";
import { testDatabase } from "./testing.ts";

const database = await testDatabase({ after }, "muted_texts");
const { pool } = database;
const reader = "00000000-0000-4000-8000-000000000001";
await pool.query("alter table public.mutes drop constraint mutes_kind_check, disable trigger refuse_too_many_mutes");
await pool.query("insert into public.profiles (id) values ($1)", [reader]);

const letters = constantFrom("a", "B", "b", "Ü", "ü", "é", " ", "%", "_", "\\", "*", "(", "\n", "日", "ſ");
const text = (maxLength: number, minLength = 0) =>
  array(letters, { minLength, maxLength }).map((each) => each.join(""));

/** What the app would hide by itself, with signs that are wildcards written as themselves. */
const oracle = `
  select id from public.posts
  where exists (
    select from public.mutes cross join lateral (select '%' || regexp_replace(value, '([%_\\\\])', '\\\\\\1', 'g') || '%' as pattern) as looked_for
    where value ~ '\\S' and (title ilike pattern or kind = 'contains' and description ilike pattern)
  ) order by id`;

test("what a mute of a text hides is what ilike finds", async () => {
  const posts = array(record({ title: text(12, 4), description: text(16, 4) }), { minLength: 4, maxLength: 8 });
  const mutes = array(record({ kind: constantFrom("contains", "title_contains"), value: text(2, 1) }), {
    minLength: 1,
    maxLength: 4,
  });
  let hidden = 0;
  await check(
    asyncProperty(posts, mutes, async (posts, mutes) => {
      await pool.query("truncate public.posts cascade");
      await pool.query("truncate public.mutes");
      await pool.query(
        "insert into public.posts (title, description) select * from jsonb_to_recordset($1) as post (title text, description text)",
        [JSON.stringify(posts)],
      );
      // the app's own table refuses blanks
      await pool.query(
        "insert into public.mutes (user_id, kind, value) select $1, kind, value from jsonb_to_recordset($2) as mute (kind text, value text) where value ~ '\\S' on conflict do nothing",
        [reader, JSON.stringify(mutes)],
      );
      const idsOf = async (statement: string) => (await pool.query<{ id: string }>(statement)).rows.map(({ id }) => id);
      const meant = await idsOf(oracle);
      hidden += meant.length;
      const shown = `select post_id from recsys_engine.eligible_posts((select recsys_engine.mutes_only_request('${reader}', '2199-01-01')))`;
      assert.deepEqual(
        await idsOf(`select post_id as id from recsys.source_posts where post_id not in (${shown}) order by 1`),
        meant,
      );
      assert.deepEqual(
        await idsOf(
          `select post_id as id from recsys.source_posts as posts where exists (
             select from recsys.source_mutes where recsys_engine.matches_mute(kind, value, author_id, title, tags, description)
           ) order by 1`,
        ),
        meant,
      );
      const { community } = await communityFromDatabase(database);
      const said = (await readMutes(database, [reader])).get(reader);
      const muted = new MutedPosts(community);
      const { ids } = community.posts;
      assert.deepEqual(ids.filter((_, post) => said && muted.contains(post, said)).sort(), meant);
    }),
    { numRuns: 60 },
  );
  assert.ok(hidden > 20, `${hidden} posts hidden`);
});

test("of 1,000 texts 100 of each kind are looked for", async () => {
  await pool.query("truncate public.mutes");
  await pool.query(
    "insert into public.mutes (user_id, kind, value) select $1, kind, 'text ' || lpad(n::text, 4, '0') from generate_series(1, 1000) as n cross join unnest('{contains,title_contains}'::text[]) as kind",
    [reader],
  );
  const { rows } = await pool.query(
    "select cardinality(muted_titles) as titles, cardinality(muted_descriptions) as descriptions from recsys_engine.mutes_only_request($1, now())",
    [reader],
  );
  assert.deepEqual(rows, [{ titles: 200, descriptions: 100 }]);
  const said = (await readMutes(database, [reader])).get(reader);
  assert.deepEqual([said?.inTitles.length, said?.inDescriptions.length], [200, 100]);
});

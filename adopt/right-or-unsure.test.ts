/** Two apps with columns and tables that mislead: the draft is right, or says that it is unsure. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt } = await draftedApps({ after });
const has = (lines: string[], pattern: RegExp) =>
  assert.ok(
    lines.some((line) => pattern.test(line)),
    `${pattern} in\n${lines.join("\n")}`,
  );

test("an aggregator: no vote counts twice or as the author's, and what has no time is not counted", {
  skip,
}, async () => {
  const { sql, coverage, pool } = await adopt("aggregator");
  has(coverage, /left out +public\.liked_combined .*repeats what public\.post_actions says/);
  has(coverage, /not understood +public\.content_combined .*names the author of the post/);
  has(coverage, /left out +public\.modlog/);
  assert.doesNotMatch(sql, /read_comments_at|from public\.liked_combined/);
  const votes = await pool.query("select count(*)::int from recsys.source_interactions where kind = 'vote'");
  const meant = await pool.query(
    "select (count(*) filter (where like_score > 0) + count(saved_at))::int as count from post_actions",
  );
  assert.deepEqual(votes.rows, meant.rows);
  assert.match(sql, /from public\.community as tagged/);
});

test("makers: what moderators have not accepted is no post, an account in two tenants is one person", {
  skip,
}, async () => {
  const { unsure, coverage, pool } = await adopt("makers");
  const posts = await pool.query("select count(*)::int from recsys.source_posts");
  const meant = await pool.query(
    "select count(*)::int from projects where moderation = 'accepted' and not deleted and not is_draft",
  );
  assert.deepEqual(posts.rows, meant.rows);
  has(unsure, /moderation: .* only accepted is shown, which hides \d+ of \d+ rows/);
  has(unsure, /what else could be posts is left out: .*public\.questions \(30 rows\)/);
  const { rows } = await pool.query(
    "select count(*)::int, count(distinct user_id)::int as people from recsys.source_users",
  );
  assert.equal(rows[0].count, rows[0].people);
  const several = await pool.query(
    "select count(*)::int from (select from recsys_engine.source_memberships group by user_id having count(*) > 1) as each",
  );
  assert.ok(several.rows[0].count > 0);
  for (const table of ["customers", "map_pins", "messages", "reports"])
    assert.ok(!coverage.some((line) => new RegExp(`used .*${table}`).test(line)), table);
});

/**
 * An upgrade brings about what a fresh installation has, with everything that was there, while feeds go on. ROWS: how many states of posts there
 * are, 20,000 by default.
 */
import assert from "node:assert/strict";
import { appendFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { migrate } from "../db/migrate.ts";
import type { Migration } from "../db/migration-files.ts";
import { withoutPostgres } from "../db/testing.ts";
import { catalogOf, differences } from "../db/upgrade/catalog.ts";
import { verifyReleased } from "../db/upgrade/migrations.ts";
import { scratchDatabase } from "../db/upgrade/scratch.ts";
import { writeBaseline } from "../db/upgrade/testing-baseline.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { fillCommunity, people, publishTinyModel, uuid } from "../testing/community.ts";
import { spread } from "../testing/traces.ts";
import { countsOf } from "./rows-everywhere.ts";
import { madeUpReleases, makeUp110 } from "./testing-versions.ts";

const rows = Number(process.env.ROWS ?? 20_000);
const skip = await withoutPostgres();

test("from 1.0.0 to a made-up 1.1.0: as a fresh installation, no row lost, the same feed, and feeds meanwhile", {
  skip,
}, async (t) => {
  const made = await madeUpReleases(t);
  const earlier = await made.migrations();
  const old = await scratchDatabase(t, earlier);
  await fillCommunity(old.pool);
  const model = await publishTinyModel(old.pool, { name: "tiny" });
  await spread(old.pool, people.eve, uuid("d", 1), model);
  await old.pool.query(
    `insert into recsys_engine.post_stats (post_id, last_active_at, interaction_id, user_id, kind, views, votes, comments, participants, first_interaction, recent, trend)
     select md5('post ' || n % 1000)::uuid, now() - n * interval '1 second', 1000000000 + n, md5('person ' || n)::uuid, 'view', n, n, 0, n, false, '{0,0}', 0
     from generate_series(1, $1::integer) as n`,
    [rows],
  );
  await makeUp110(made);
  const upgrade = (await made.unreleased()) as Migration;
  const look = testApp(t, old.url, { preview: true });
  const feedOf = async () => {
    const { status, body } = await look.call(people.ada, { limit: 20 });
    assert.deepEqual([status, body.degraded, body.model?.name], [200, null, "tiny"]);
    return body.items.map(({ post_id, score, why }) => ({ post_id, score, why }));
  };
  const [feed, counts] = [await feedOf(), await countsOf(old)];

  const asking = askWithoutPause(testApp(t, old.url));
  await asking.answered(5);
  const begun = performance.now();
  assert.deepEqual(await migrate(old, { migrations: [...earlier, upgrade] }), [upgrade.version]);
  const seconds = (performance.now() - begun) / 1000;
  await asking.answered(5);
  const { answers, slowest, failed, degraded } = await asking.stop();
  t.diagnostic(
    `${rows} states: upgraded in ${seconds.toFixed(1)} s; of ${answers} feeds before, meanwhile and after ${degraded} from a fallback, the slowest ${slowest.toFixed(0)} ms`,
  );
  assert.deepEqual(failed, []);

  const fresh = await scratchDatabase(t, await asFresh(made));
  assert.deepEqual(differences(await catalogOf(old), await catalogOf(fresh)), []);
  const after = await countsOf(old);
  // what was served meanwhile is logged
  assert.ok(Number(after["recsys.impressions"]) >= Number(counts["recsys.impressions"]));
  assert.deepEqual({ ...after, ...logged(counts) }, counts);
  assert.deepEqual(await feedOf(), feed);
});

/** What a served feed is counted in. */
function logged(counts: Record<string, string>): Record<string, string> {
  const tables = [
    "recsys.impressions",
    "recsys_engine.user_days",
    "recsys_engine.rate_limits",
    "recsys_engine.exploration_impressions",
  ];
  return Object.fromEntries(tables.map((table) => [table, counts[table]]));
}

/** One client that asks for a feed, and when it has it for the next. */
function askWithoutPause(app: ReturnType<typeof testApp>) {
  let isOver = false;
  const seen = { answers: 0, slowest: 0, degraded: 0, failed: [] as unknown[] };
  const asking = (async () => {
    while (!isOver) {
      const begun = performance.now();
      const { status, body } = await app.call(people.ben, { limit: 10 });
      seen.slowest = Math.max(seen.slowest, performance.now() - begun);
      seen.answers++;
      if (status !== 200 || body.items.length === 0) seen.failed.push([status, body.error]);
      else if (body.degraded) seen.degraded++;
    }
    await app.settled();
  })();
  return {
    /** Resolves when so many more have come. */
    async answered(more: number) {
      const enough = seen.answers + more;
      while (seen.answers < enough) await setTimeout(5);
    },
    async stop() {
      isOver = true;
      await asking;
      return seen;
    },
  };
}

/** The migrations of an installation that begins with what the schemas of the copy are. */
async function asFresh({ copy, migrations }: Awaited<ReturnType<typeof madeUpReleases>>): Promise<Migration[]> {
  await writeBaseline(copy);
  return await migrations();
}

test("an upgrade that finds a long transaction gives up, feeds go on, and the next one goes through", {
  skip,
}, async (t) => {
  const made = await madeUpReleases(t);
  const earlier = await made.migrations();
  const old = await scratchDatabase(t, earlier);
  await fillCommunity(old.pool);
  await publishTinyModel(old.pool, { name: "tiny" });
  await makeUp110(made);
  const migrations = [...earlier, (await made.unreleased()) as Migration];
  const long = await old.pool.connect();
  await long.query("begin; select from recsys.settings");
  const asking = askWithoutPause(testApp(t, old.url));
  await assert.rejects(
    migrate(old, { migrations }),
    /^UserError: Migration \d+_recsys_unreleased\.sql.* fails: canceling statement due to lock timeout$/,
  );
  await long.query("rollback");
  long.release();
  assert.equal((await migrate(old, { migrations })).length, 1);
  await asking.answered(3);
  const { failed, slowest, degraded } = await asking.stop();
  assert.deepEqual(failed, []);
  t.diagnostic(`the slowest feed took ${slowest.toFixed(0)} ms, ${degraded} came from a fallback`);
});

// each takes three to six databases, of 5 s each where they are embedded: one test of these is made there
test("what only a change of tables brings about is named, and so is what stands in its way", { skip }, async (t) => {
  const made = await madeUpReleases(t);
  assert.equal(await made.unreleased(), undefined, "nothing changed");

  await makeUp110(made);
  await made.writeByHand("");
  await assert.rejects(made.unreleased(), {
    name: "UserError",
    message:
      /^the upgrade's statement "CREATE OR REPLACE VIEW recsys_engine\.feed_settings .*" fails; perhaps supabase\/upgrade\.sql lacks a change of a table, line \d+: column "least_share" does not exist$/i,
  });
  await made.writeByHand("alter table recsys.settings add column least_share real not null default 0;");
  await assert.rejects(made.unreleased(), (error: Error) => {
    assert.deepEqual(error.message.split("\n").slice(1), [
      "  + constraint settings_least_share_check on recsys.settings",
      "  + index recsys_engine.post_stats_votes_idx",
    ]);
    return true;
  });
  await made.writeByHand("alter table recsys.nothing add column n integer;");
  await assert.rejects(
    made.unreleased(),
    /^UserError: supabase\/upgrade\.sql fails: relation "recsys\.nothing" does not exist$/,
  );
});

test("what depends on a function that has to go is named", async (t) => {
  const made = await madeUpReleases(t);
  await made.change(
    "models/models.sql",
    "recsys_engine.cluster_id() returns bigint",
    "recsys_engine.cluster_id() returns numeric",
  );
  await assert.rejects(
    made.unreleased(),
    /^UserError: function recsys_engine\.cluster_id\(\) cannot be dropped: default value for column embedded_in of table recsys\.models depends on function .*\. Change that in supabase\/upgrade\.sql first$/,
  );
});

test("a source view is the app's: no upgrade makes it again", { skip }, async (t) => {
  const made = await madeUpReleases(t);
  await made.change(
    "app_views/source_views.sql",
    "null::timestamptz as created_at, null::text as language where",
    "null::timestamptz as created_at, null::text as language, null::text as abstract where",
  );
  await assert.rejects(made.unreleased(), (error: Error) => {
    assert.match(error.message, /supabase\/upgrade\.sql/);
    assert.deepEqual(
      error.message
        .split("\n")
        .slice(1)
        .filter((line) => !line.includes("comment on")),
      ["  ~ view recsys.source_posts", "  + column recsys.source_posts.abstract"],
    );
    return true;
  });
});

test("a type that lacks a field, which functions have, is seen", { skip }, async (t) => {
  const made = await madeUpReleases(t);
  await made.change(
    "retrieval/ranked_posts.sql",
    "(post_id uuid, ranks jsonb)",
    "(post_id uuid, ranks jsonb, added integer)",
  );
  await assert.rejects(made.unreleased(), /\n {2}\+ column recsys_engine\.ranked_post\.added$/);
});

test("a released migration that was edited or deleted is refused", async (t) => {
  const { copy } = await madeUpReleases(t);
  verifyReleased(copy);
  const file = join(copy, "supabase/migrations/20261125000000_recsys_1_0_0.sql");
  await appendFile(file, "-- edited\n");
  assert.throws(
    () => verifyReleased(copy),
    /^UserError: supabase\/migrations\/20261125000000_recsys_1_0_0\.sql is released and was edited, .*: git checkout /,
  );
  await rm(file);
  assert.throws(() => verifyReleased(copy), /is released and gone: git checkout/);
});

/** A transaction that fails says by which statement, whichever of its queries is heard first. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { run } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { queryAsService, readAs, service, transactAs } from "../_shared/database/run-as-caller.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "first_failure");
const { url } = database;
const pool = openPool(url, () => undefined);
after(() => pool.end());

const nothing = { text: "select", values: [] };
const fails = { text: "select 1 / (select 0 from recsys.settings)", values: [] };

test("of several that were sent together, the one that failed is named, and not the first that is given up", async () => {
  for (const within of [readAs, transactAs])
    await assert.rejects(
      within(pool, service, nothing, async (connection) => {
        // hears of the division later than the other hears of having been given up
        const first = async () => await queryAsService(connection, "service_role", fails);
        await Promise.all([first(), run(connection, nothing)]);
      }),
      { code: "22012", message: "division by zero" },
    );
});

test("what is asked after a failure that somebody kept to themselves fails with that failure", async () => {
  await assert.rejects(
    readAs(pool, service, nothing, async (connection) => {
      await run(connection, fails).catch(() => undefined);
      await run(connection, nothing);
    }),
    { code: "22012" },
  );
});

test("a failure of the transaction before is not this one's", async () => {
  await assert.rejects(
    readAs(pool, service, fails, async () => undefined),
    { code: "22012" },
  );
  await assert.rejects(
    readAs(pool, service, { text: "select nothing", values: [] }, async () => undefined),
    {
      code: "42703",
    },
  );
});

test("a feed's log has the error of what is common to all feeds, and not that its other statements were given up", async (t) => {
  await fillCommunity(database.pool);
  await publishTinyModel(database.pool, { name: "tiny" });
  await database.pool.query("update recsys.settings set trial_place = 5, trial_impressions = 100");
  await database.pool.query("alter function recsys_engine.global_candidates(timestamptz) rename to uncommon_posts");
  const app = testApp(t, url);
  assert.equal((await app.call(people.ada, {})).body.degraded, "community");
  const [{ code, cause }] = app.logged;
  assert.equal(code, "not_installed");
  assert.match(String((cause as Error).cause), /function recsys_engine\.global_candidates\(\) does not exist/);
  assert.match((cause as { cause: Error }).cause.stack ?? "", /readGlobalCandidates/);
});

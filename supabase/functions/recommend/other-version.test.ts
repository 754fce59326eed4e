/** Functions that meet a database of another version say so in their log, once, with what to do; and go on as far as they can. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { onBoth } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { schemaVersion, versionMismatch } from "../_shared/http/schema-version.ts";
import { testApp } from "./testing.ts";

const [major, minor, patch] = schemaVersion.split(".").map(Number);

test("what to do goes by which is older", () => {
  const said = (found: string) => versionMismatch(found, "this command is", "npm install it");
  assert.equal(said(schemaVersion), undefined);
  for (const newer of [
    `${major + 1}.0.0`,
    `${major}.${minor + 1}.0`,
    `${major}.${minor}.${patch + 10}`,
    `${major}.${minor + 1}.0-beta.1`,
  ])
    assert.equal(said(newer), `the database has recsys ${newer}, and this command is ${schemaVersion}: npm install it`);
  for (const older of ["0.0.9", `${schemaVersion}-beta.1`, "of no version"])
    assert.match(
      String(said(older)),
      /: npx --no-install recsys init --into APP, then npx supabase db push there$/,
      older,
    );
});

onBoth("a worker says it once for each version, and goes on", async (t, { url, pool }) => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  const is = (version: string) =>
    pool.query(`create or replace function recsys.version() returns text language sql immutable return '${version}'`);
  const rename = (from: string, to: string) =>
    pool.query(`do $$ begin execute (
      select format('alter function %s rename to ${to}', oid::regprocedure) from pg_proc where proname = '${from}' and pronamespace = 'recsys_engine'::regnamespace
    ); end $$`);
  const app = testApp(t, url);
  const feed = async () => {
    const { status, body } = await app.call(people.ada, { limit: 10 });
    await app.settled();
    assert.deepEqual([status, body.items.length], [200, 10]);
    return body.degraded;
  };
  const told = () => app.logged.filter(({ code }) => code === "other_version").map(({ cause }) => String(cause));
  assert.deepEqual([await feed(), told()], [null, []]);

  // an upgrade while its connections live: it is noticed when something is missing
  await is("99.0.0");
  assert.deepEqual([await feed(), told()], [null, []]);
  await rename("feed_candidates", "others");
  assert.equal(await feed(), "community");
  const newer = `Error: the database has recsys 99.0.0, and these functions are ${schemaVersion}: npx --no-install recsys init --into APP of that version, then npx supabase functions deploy there`;
  while (told().length === 0) await setTimeout(10);
  assert.equal(await feed(), "community");
  assert.deepEqual(told(), [newer]);

  // a worker that begins after it asks at once
  await rename("others", "feed_candidates");
  await is("0.0.9");
  const later = testApp(t, url);
  const { status, body } = await later.call(people.ada, { limit: 10 });
  assert.deepEqual([status, body.degraded], [200, null]);
  assert.deepEqual(
    later.logged.map(({ code, cause }) => [code, String(cause)]),
    [
      [
        "other_version",
        `Error: the database has recsys 0.0.9, and these functions are ${schemaVersion}: npx --no-install recsys init --into APP, then npx supabase db push there`,
      ],
    ],
  );
});

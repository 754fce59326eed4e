/** Two models that were trained and published draft the feeds of a community, people act on what one of them picks, and the report says so. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { readModelFolder } from "../../../trainer/artifacts/model-folder/model-folder.ts";
import { publish } from "../../../trainer/release/publish/publish.ts";
import { fillSmallCommunity, temporaryFolder } from "../../../trainer/testing.ts";
import { trainIntoFolder } from "../../../trainer/train-into-folder.ts";
import { configSchema } from "../../../trainer/training/config/config.ts";
import { testApp } from "./testing.ts";

const database = await eitherDatabase({ after }, "interleaved_models");
const { pool, url } = database;

test("from two trainings to a verdict", async (t) => {
  await fillSmallCommunity(database);
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  const config = configSchema.parse({ ranker: { rows: 24, hardNegatives: 12 } });
  const ids: number[] = [];
  for (const seed of [1, 2]) {
    const folder = await trainIntoFolder(context, { seed, config, parent: await temporaryFolder(t) });
    ids.push(
      await publish(database, { ...(await readModelFolder(folder)), name: `seed-${seed}` }, { activate: false }),
    );
  }
  await pool.query("update recsys.settings set trial_place = 0, requests_per_minute = null");
  const { rows } = await pool.query("select user_id::text as id from recsys.source_users order by 1");
  const people = rows.map(({ id }) => id as string);
  const app = testApp(t, url);
  const feedOf = async (person: string) => (await app.call(person, { limit: 12 })).body;

  // what each would show alone
  const alone = new Map<string, string[][]>(people.map((person) => [person, []]));
  for (const id of ids.toReversed()) {
    await pool.query("select recsys.activate_model($1)", [id]);
    for (const person of people) alone.get(person)?.unshift((await feedOf(person)).items.map(({ post_id }) => post_id));
  }
  await pool.query("select recsys.start_experiment('drafted', $1, p_outcome_window => '2 minutes')", [
    JSON.stringify([{ name: "both", share: 1, interleave_with: "seed-2" }]),
  ]);
  const differing = [0, 0];
  let misplaced = 0;
  const votes = new Map<string, string[]>();
  for (const person of people) {
    const { request_id, items, model } = await feedOf(person);
    await app.settled();
    assert.equal(model?.name, "seed-1");
    const { rows } = await pool.query<{ post_id: string; team: 1 | 2; model_id: number }>(
      "select post_id, team, model_id::int from recsys.impressions where request_id = $1 order by position",
      [request_id],
    );
    assert.deepEqual(
      rows.map(({ post_id }) => post_id),
      items.map(({ post_id }) => post_id),
    );
    assert.equal(new Set(rows.map(({ post_id }) => post_id)).size, 12);
    for (const [i, { post_id, team, model_id }] of rows.entries()) {
      assert.equal(model_id, ids[team - 1]);
      const ranking = alone.get(person)?.[team - 1] ?? [];
      // its best that was left: all that its model puts above it is above it
      const above = rows.slice(0, i).map((row) => row.post_id);
      if (!ranking.slice(0, ranking.indexOf(post_id)).every((other) => above.includes(other))) misplaced++;
      const other = alone.get(person)?.[2 - team] ?? [];
      if (!other.includes(post_id)) differing[team - 1]++;
    }
    assert.equal(rows.filter(({ team }) => team === 1).length, 6);
    // most of the second's picks are voted for, and few of the first's
    const voted = rows.filter(({ team, post_id }) => Number.parseInt(post_id[0], 16) < 3 === (team === 1));
    votes.set(
      person,
      voted.map(({ post_id }) => post_id),
    );
  }
  // after the last feed, since votes change what comes next
  for (const [person, voted] of votes)
    await pool.query("insert into public.post_votes (user_id, post_id) select $1, unnest($2::uuid[])", [person, voted]);
  // in the seconds between the two feeds equals may change places
  assert.ok(misplaced <= 0.01 * 12 * people.length, `${misplaced}`);
  assert.ok(
    differing.every((picks) => picks > people.length / 2),
    `${differing} picks that the other would not have shown`,
  );
  await pool.query("update recsys.settings set clock_shift = clock_shift - interval '3 minutes'");
  const { rows: report } = await pool.query(
    "select metric, first_model, second_model, people::int, pages::int, conclusion from recsys.interleaving_report('drafted')",
  );
  assert.deepEqual(
    { ...report[2], conclusion: "" },
    {
      metric: "vote",
      first_model: "seed-1",
      second_model: "seed-2",
      people: people.length,
      pages: people.length,
      conclusion: "",
    },
  );
  assert.match(report[2].conclusion, /^seed-2 is preferred: its picks get [6-9]/);
  const { rows: verdicts } = await pool.query("select verdict from recsys.experiment_verdict('drafted')");
  assert.match(verdicts[0].verdict, /^Better: seed-2 is preferred/);
  assert.deepEqual(app.logged, []);
});

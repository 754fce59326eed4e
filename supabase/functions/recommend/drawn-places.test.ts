/** Places that are drawn, through the real handler: what is logged of them, on which pages, and for whom. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel } from "../../../testing/community.ts";
import { isFull } from "../../../testing/courses.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await eitherDatabase({ after }, "drawn_places");
beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade");
  await clear(pool);
  await fillCommunity(pool);
  await pool.query("update recsys.settings set requests_per_minute = null, drawn_share = 0, draw_temperature = 0.5");
});

interface Logged {
  post_id: string;
  position: number;
  propensity: number | null;
}

async function logged(requestId: string): Promise<Logged[]> {
  const { rows } = await pool.query(
    "select post_id, position, propensity from recsys.impressions where request_id = $1 order by position",
    [requestId],
  );
  return rows;
}

/** Even posts are like each other, and so are odd ones; all are one author's. */
const alike = (a: string, b: string) => Number(a.at(-1)) % 2 === Number(b.at(-1)) % 2;

test("each drawn place has the chance that its score and penalties give it among all that is left, and these are 1 together", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const all = (await app.call(people.ada, { limit: 100 })).body.items;
  assert.equal(all.length, 28);
  const scores = new Map(all.map(({ post_id, score }) => [post_id, score]));
  // ada interacted with two posts, so that a fifth of the setting applies
  const [diversity, author_decay, temperature] = [0.7, 0.8, 0.6];
  await pool.query(
    `update recsys.settings set drawn_share = 1, draw_temperature = ${temperature}, diversity = ${5 * diversity}, author_decay = ${author_decay}`,
  );
  for (let times = 0; times < 5; times++) {
    const { body } = await app.call(people.ada, { limit: 6 });
    await app.settled();
    const rows = await logged(body.request_id);
    assert.deepEqual(
      rows.map(({ post_id }) => post_id),
      body.items.map(({ post_id }) => post_id),
    );
    const above: string[] = [];
    for (const { post_id, propensity } of rows) {
      const powers = [...scores].flatMap(([id, score]) => {
        if (above.includes(id)) return [];
        const near = above.some((other) => alike(id, other)) ? Math.exp(-diversity) : 1;
        return [{ id, power: (score * near * author_decay ** above.length) ** (1 / temperature) }];
      });
      const sum = powers.reduce((total, { power }) => total + power, 0);
      const chance = (id: string) => (powers.find((each) => each.id === id)?.power ?? 0) / sum;
      assert.ok(Math.abs(powers.reduce((total, { id }) => total + chance(id), 0) - 1) < 1e-9);
      assert.ok(Math.abs((propensity ?? 0) / chance(post_id) - 1) < 1e-3, `${propensity}, not ${chance(post_id)}`);
      above.push(post_id);
    }
  }
  assert.deepEqual(app.logged, []);
});

test("first places come as often as their logged chances say", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set drawn_share = 1, draw_temperature = 0.4");
  const app = testApp(t, url);
  const requests = isFull ? 300 : 100;
  const times = new Map<string, { times: number; chance: number }>();
  for (let i = 0; i < requests; i++) {
    const { body } = await app.call(people.ada, { limit: 1 });
    // what waits after the answers is two hundred at most
    if (i % 100 === 99) await app.settled();
    const [{ post_id }] = body.items;
    times.set(post_id, { times: (times.get(post_id)?.times ?? 0) + 1, chance: 0 });
  }
  await app.settled();
  const { rows } = await pool.query<{ post_id: string; chance: number; chances: number }>(
    "select post_id, max(propensity) as chance, count(distinct propensity)::int as chances from recsys.impressions group by post_id",
  );
  for (const { post_id, chance, chances } of rows) {
    assert.equal(chances, 1, "the same decision has the same chances each time");
    (times.get(post_id) ?? assert.fail()).chance = chance;
  }
  const known = [...times.values()];
  const unseen = 1 - known.reduce((sum, { chance }) => sum + chance, 0);
  const statistic =
    known.reduce((sum, each) => sum + (each.times - requests * each.chance) ** 2 / (requests * each.chance), 0) +
    requests * Math.max(0, unseen);
  assert.ok(unseen > -1e-5, "no more than 1 together");
  // 28 candidates: with 27 degrees of freedom chi-square is above 83 once in 10 million times
  assert.ok(statistic < 83, `${statistic}`);
});

test("pages go on: nothing comes twice, everything comes, and places that are not drawn have a chance of 1", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set drawn_share = 0.5");
  const app = testApp(t, url);
  const came: string[] = [];
  const chances: (number | null)[] = [];
  for (let after: string | null = null, pages = 0; pages === 0 || after; pages++) {
    const { body }: { body: Feed } = await app.call(people.ada, { limit: 5, ...(after && { after }) });
    await app.settled();
    came.push(...body.items.map(({ post_id }) => post_id));
    chances.push(...(await logged(body.request_id)).map(({ propensity }) => propensity));
    after = body.next;
  }
  assert.deepEqual(
    came.toSorted(),
    [...Array(30).keys()].map((i) => post(i + 1)).filter((id) => id !== post(28) && id !== post(30)),
  );
  // of 28 coins none falls so, or all do, once in 100 million times
  assert.ok(chances.some((chance) => chance === 1) && chances.some((chance) => chance !== null && chance < 1));
});

test("off, all chances are 1 and the order is that of the scores", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const first = await app.call(people.ada, { limit: 8 });
  const second = await app.call(people.ada, { limit: 8 });
  await app.settled();
  assert.deepEqual(
    first.body.items.map(({ post_id }) => post_id),
    second.body.items.map(({ post_id }) => post_id),
  );
  assert.deepEqual(
    (await logged(first.body.request_id)).map(({ propensity }) => propensity),
    Array(8).fill(1),
  );
});

test("where no model ranks nothing is drawn, and no chance is known", async (t) => {
  await pool.query("update recsys.settings set drawn_share = 1, draw_temperature = 5");
  const app = testApp(t, url);
  const order = async () => {
    const { body } = await app.call(people.ada, { limit: 10 });
    await app.settled();
    assert.deepEqual(
      (await logged(body.request_id)).map(({ propensity }) => propensity),
      Array(10).fill(null),
    );
    return [body.degraded, ...body.items.map(({ post_id }) => post_id)].join();
  };
  assert.equal(await order(), await order());
  // a broken ranker, and a broken model
  await publishTinyModel(pool, { name: "broken", graphs: { dlrm: new Uint8Array([1]) } });
  const unranked = await order();
  assert.match(unranked, /^unranked/);
  assert.equal(await order(), unranked);
  await publishTinyModel(pool, { name: "more broken", graphs: { user_tower: new Uint8Array([1]) } });
  assert.match(await order(), /^community/);
});

test("a visitor's places are not drawn: nothing would be learned of it", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set drawn_share = 1, draw_temperature = 5");
  const app = testApp(t, url);
  const visit = async () =>
    (await app.visit({ limit: 20, interests: ["chess"] })).body.items.map(({ post_id }) => post_id);
  assert.deepEqual(await visit(), await visit());
});

test("an experiment may draw for its people, by a temperature of its own", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const variant = { settings: { drawn_share: 1, draw_temperature: 5 } };
  await pool.query("select recsys.start_experiment('drawn', $1)", [
    JSON.stringify([
      { name: "control", share: 0.0001 },
      { name: "drawn", share: 0.9999, ...variant },
    ]),
  ]);
  // a user is in the other one once in 10,000 times
  await pool.query(
    "update recsys.experiment_variants set buckets = case place when 2 then '{[0,10000)}'::int4multirange else '{}' end",
  );
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 10 });
  await app.settled();
  for (const { propensity } of await logged(body.request_id))
    assert.ok(propensity !== null && propensity > 0.02 && propensity < 0.09, `${propensity}`);
});

for (const [setting, value] of [
  ["drawn_share", 1.1],
  ["drawn_share", -0.1],
  ["drawn_share", "'nan'"],
  ["draw_temperature", 0],
  ["draw_temperature", 6],
  ["draw_temperature", "'nan'"],
])
  test(`${setting} cannot be ${value}, for everybody or in an experiment`, async () => {
    await assert.rejects(pool.query(`update recsys.settings set ${setting} = ${value}`), /check constraint/);
    if (typeof value === "number")
      await assert.rejects(
        pool.query("select recsys.start_experiment('bad', $1)", [
          JSON.stringify([
            { name: "a", share: 0.5 },
            { name: "b", share: 0.5, settings: { [setting]: value } },
          ]),
        ]),
        /check constraint/,
      );
  });

/** A shadow through the real handler: what it says is logged, and whatever becomes of it, no feed waits for it or fails with it. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, tinyGraphs } from "../../../testing/community.ts";
import { pickCases } from "../../../testing/courses.ts";
import { testApp } from "./testing.ts";

const oneSession = await withOneSession();

const { pool, url } = await testDatabase({ after }, "shadow");
let shadow: number;
let served: number;
const slopes = [2, -1, 1];

beforeEach(async () => {
  await pool.query("truncate recsys.shadows, recsys_engine.shadow_impressions");
  await clear(pool);
  await fillCommunity(pool);
  await pool.query(
    "update recsys.settings set requests_per_minute = null, drawn_share = 0, draw_temperature = 0.5, diversity = 0, author_decay = 1, trial_place = 0",
  );
  shadow = await publishTinyModel(pool, { name: "shadow", graphs: { dlrm: tinyGraphs({ slopes }).dlrm } });
  // the post's number of degrees times 5, in the plane of the first two axes; 0 for those that ada voted for
  await pool.query(
    `update recsys_engine.post_embeddings_${shadow} set embedding = (array[cosd(turned.by), sind(turned.by)] || array_fill(0, array[30]))::extensions.vector
     from unnest($1::uuid[], $2::int[]) as turned (id, by) where post_id = turned.id`,
    [Array.from({ length: 30 }, (_, i) => post(i + 1)), Array.from({ length: 30 }, (_, i) => degreesOf(i + 1))],
  );
  served = await publishTinyModel(pool, { name: "served" });
});

const degreesOf = (n: number) => (n === 28 || n === 30 ? 0 : 5 * n);
const radians = (degrees: number) => (degrees / 180) * Math.PI;
const numberOf = (id: string) => Number(id.slice(-2));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const kinds = ["view", "vote", "comment"] as const;
const weights = [0.2, 1, 1];

const start = (share = 1) => pool.query("select recsys.start_shadow('shadow', $1)", [share]);

interface Row {
  position: number;
  post_id: string;
  logged: number;
  shadow_model_id: string;
  score: number | null;
  probabilities: number[] | null;
  served_score: number;
  served_probabilities: number[];
  propensity: number | null;
  support: number | null;
  expected: number[] | null;
  served_expected: number[] | null;
}

async function rowsOf(requestId: string): Promise<Row[]> {
  const { rows } = await pool.query(
    `select position, impressions.propensity as logged, shadowed.*
     from recsys_engine.shadow_impressions as shadowed join recsys.impressions using (request_id, user_id, post_id, shown_at)
     where request_id = $1 order by position`,
    [requestId],
  );
  return rows;
}

function near(actual: number | null | undefined, expected: number, what: string): void {
  assert.ok(
    typeof actual === "number" && Math.abs(actual - expected) <= 1e-4 * Math.max(0.01, Math.abs(expected)),
    `${what}: ${actual}, not ${expected}`,
  );
}

/** What is left of each post below those above, and its chance. */
function chancesBelow(above: string[], scores: Map<string, number>, cosine: (a: string, b: string) => number) {
  const powers = [...scores].flatMap(([id, score]) => {
    if (above.includes(id)) return [];
    const nearest = Math.max(0, ...above.map((other) => cosine(id, other)));
    const left = score * Math.exp(-0.7 * nearest) * 0.8 ** above.length;
    return [[id, left ** (1 / 0.6)] as const];
  });
  const sum = powers.reduce((total, [, power]) => total + power, 0);
  return new Map(powers.map(([id, power]) => [id, power / sum]));
}

test("what it says is what it would have said, and its chances those of its own page below the same posts", async (t) => {
  const app = testApp(t, url);
  const all = (await app.call(people.ada, { limit: 100 })).body.items;
  await app.settled();
  await start();
  // a fifth of it holds for ada, who interacted with two posts
  await pool.query(
    "update recsys.settings set drawn_share = 0.7, draw_temperature = 0.6, diversity = 3.5, author_decay = 0.8",
  );
  const another = testApp(t, url);
  const servedScores = new Map(all.map(({ post_id, score }) => [post_id, score]));
  const servedProbabilities = new Map(
    all.map((item) => [item.post_id, kinds.map((kind) => item.predictions?.[kind] ?? 0)]),
  );
  const shadowProbabilities = new Map(
    all.map(({ post_id }) => {
      const similarity = Math.cos(radians(degreesOf(numberOf(post_id))) - Math.atan(0.01));
      return [post_id, slopes.map((slope) => sigmoid(slope * similarity))];
    }),
  );
  const shadowScores = new Map(
    [...shadowProbabilities].map(([id, each]) => [id, each.reduce((sum, p, head) => sum + weights[head] * p, 0)]),
  );
  const mean = (chances: Map<string, number>, head: number) =>
    [...chances].reduce((sum, [id, chance]) => sum + chance * (servedProbabilities.get(id)?.[head] ?? 0), 0);
  let drawn = 0;
  for (let times = 0; times < 4; times++) {
    const { body } = await another.call(people.ada, { limit: 8 });
    await another.settled();
    const rows = await rowsOf(body.request_id);
    assert.equal(rows.length, 8);
    const above: string[] = [];
    for (const row of rows) {
      const id = row.post_id;
      assert.equal(Number(row.shadow_model_id), shadow);
      near(row.served_score, servedScores.get(id) ?? 0, "served score");
      near(row.score, shadowScores.get(id) ?? 0, "score");
      const ofServed = chancesBelow(above, servedScores, (a, b) => Number(numberOf(a) % 2 === numberOf(b) % 2));
      const ofShadow = chancesBelow(above, shadowScores, (a, b) =>
        Math.cos(radians(degreesOf(numberOf(a)) - degreesOf(numberOf(b)))),
      );
      for (const head of [0, 1, 2]) {
        near(row.probabilities?.[head], shadowProbabilities.get(id)?.[head] ?? 0, "probability");
        near(row.served_probabilities[head], servedProbabilities.get(id)?.[head] ?? 0, "served probability");
        if (row.support === null) continue;
        near(row.expected?.[head], mean(ofShadow, head), "expected");
        near(row.served_expected?.[head], mean(ofServed, head), "expected of what served");
      }
      if (row.support === null) {
        const best = [...ofShadow].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
        assert.deepEqual([row.logged, row.propensity], [1, id === best ? 1 : 0]);
        assert.deepEqual([row.expected, row.served_expected], [null, null]);
      } else {
        drawn++;
        near(row.logged, ofServed.get(id) ?? 0, "logged chance");
        near(row.propensity, ofShadow.get(id) ?? 0, "chance");
        near(row.support, 1, "support");
      }
      above.push(id);
    }
  }
  assert.ok(drawn > 5, "of 32 places 22 are drawn in the mean");
  assert.deepEqual([...app.logged, ...another.logged], []);
});

test("it scores as large a share of the requests as it was started for, and none once it was stopped", async (t) => {
  await start(0.25);
  const app = testApp(t, url);
  const ask = async (number: number) => {
    const ids: string[] = [];
    for (let i = 0; i < number; i++) {
      ids.push((await app.call(people.ada, { limit: 1 })).body.request_id);
      // of those that come at the same time four wait for the one that is scored
      if (i % 4 === 3) await app.settled();
    }
    return ids;
  };
  const ids = await ask(60);
  const { rows } = await pool.query("select request_id from recsys_engine.shadow_impressions order by 1");
  assert.deepEqual(
    rows.map(({ request_id }) => request_id),
    ids.filter((id) => Number.parseInt(id.slice(0, 8), 16) % 10_000 < 2500).toSorted(),
  );
  // of 60 in the mean 15, and none or 35 once in a million times
  assert.ok(rows.length > 0 && rows.length < 35);
  await pool.query("select recsys.stop_shadow('shadow')");
  await pool.query("truncate recsys_engine.shadow_impressions");
  const later = testApp(t, url);
  for (let i = 0; i < 10; i++) await later.call(people.ada, { limit: 1 });
  await later.settled();
  assert.equal((await pool.query("select from recsys_engine.shadow_impressions")).rowCount, 0);
  assert.deepEqual([...app.logged, ...later.logged], []);
});

test("nobody's feed but that of a person whom a model ranked it for has a shadow", async (t) => {
  await start();
  const app = testApp(t, url);
  const operator = testApp(t, url, { preview: true });
  await app.visit({ limit: 3 });
  await operator.call(people.ada, { limit: 3 });
  await pool.query("update recsys.models set status = 'retired' where status = 'active'");
  await app.call(people.ada, { limit: 3 });
  await Promise.all([app.settled(), operator.settled()]);
  assert.equal((await pool.query("select from recsys_engine.shadow_impressions")).rowCount, 0);
  assert.deepEqual([...app.logged, ...operator.logged], []);
});

test("whose day has all impressions that are kept is scored no more until the next, and others are", async (t) => {
  await pool.query("update recsys.settings set impressions_per_day = 5");
  t.after(() => pool.query("update recsys.settings set impressions_per_day = default"));
  await start();
  const app = testApp(t, url);
  const shown = async (user: string) => {
    await app.call(user, { limit: 3 });
    await app.settled();
    const { rowCount } = await pool.query("select from recsys_engine.shadow_impressions where user_id = $1", [user]);
    return rowCount ?? 0;
  };
  assert.equal(await shown(people.ada), 3);
  // its impressions may be counted before or after it is scored
  const most = await shown(people.ada);
  for (let i = 0; i < 3; i++) assert.equal(await shown(people.ada), most);
  assert.equal(await shown(people.ben), 3);
  await pool.query("update recsys_engine.user_days set day = day - 1");
  assert.equal(await shown(people.ada), most + 3);
  assert.deepEqual(app.logged, []);
});

/** How the shadow may fail, and what the log then says. */
const failures: [what: string, message: RegExp, fail: () => Promise<unknown>][] = [
  ["its tower is broken", /graph user_tower of model shadow/, () => broken("user_tower")],
  ["its ranker is broken", /graph dlrm of model shadow/, () => broken("dlrm")],
  [
    "it was rolled back",
    /model \d+ of a shadow does not serve any more/,
    () => pool.query("update recsys.models set status = 'rolled_back' where name = 'shadow'"),
  ],
  [
    "its vectors and its row are gone",
    /model \d+ of a shadow does not serve any more/,
    async () => {
      await pool.query(`drop table recsys_engine.post_embeddings_${shadow}, recsys_engine.user_embeddings_${shadow}`);
      await pool.query("delete from recsys.models where name = 'shadow'");
    },
  ],
  [
    "it was trained for other features",
    /was trained for other features/,
    () => pool.query("update recsys.models set feature_spec_digest = 'other' where name = 'shadow'"),
  ],
  [
    "its log is gone",
    /shadow_impressions/,
    () => pool.query("alter table recsys_engine.shadow_impressions rename to elsewhere"),
  ],
  ["the list of shadows is gone", /shadows/, () => pool.query("alter table recsys.shadows rename to elsewhere")],
];

async function broken(graph: string): Promise<void> {
  await pool.query(
    `update recsys_engine.model_artifacts set onnx = '\\x0102', sha256 = encode(sha256('\\x0102'), 'hex') where model_id = $1 and graph = $2`,
    [shadow, graph],
  );
}

for (const [what, message, fail] of pickCases(failures))
  test(`where ${what}, the feed is as without it, and the log says so`, async (t) => {
    await start();
    await fail();
    t.after(async () => {
      for (const [schema, table] of [
        ["recsys_engine", "shadow_impressions"],
        ["recsys", "shadows"],
      ])
        if ((await pool.query("select to_regclass($1) is null as gone", [`${schema}.${table}`])).rows[0].gone)
          await pool.query(`alter table ${schema}.elsewhere rename to ${table}`);
    });
    const app = testApp(t, url);
    const { status, body } = await app.call(people.ada, { limit: 3 });
    await app.settled();
    assert.deepEqual([status, body.degraded, body.model?.id], [200, null, served]);
    const { rowCount } = await pool.query("select from recsys.impressions where request_id = $1", [body.request_id]);
    assert.equal(rowCount, 3);
    assert.deepEqual(
      app.logged.map(({ code }) => code),
      ["shadow_failed"],
    );
    assert.match(String((app.logged[0].cause as Error).message), message);
  });

/** What may hang, and how it is made to; what it gives undoes that. */
const hanging: [what: string, hang: () => Promise<() => Promise<unknown>>][] = [
  [
    "its model is read for too long",
    async () => {
      await pool.query(
        `create policy slow on recsys_engine.model_artifacts as restrictive using (model_id <> ${shadow} or pg_sleep(10)::text is not null)`,
      );
      return () => pool.query("drop policy slow on recsys_engine.model_artifacts");
    },
  ],
  ["its log is locked", () => locked("recsys_engine.shadow_impressions")],
  ["the list of shadows is locked", () => locked("recsys.shadows")],
];

async function locked(table: string): Promise<() => Promise<unknown>> {
  const locker = await pool.connect();
  await locker.query("begin");
  await locker.query(`lock table ${table}`);
  return async () => {
    await locker.query("rollback");
    locker.release();
  };
}

for (const [what, hang] of pickCases(hanging))
  test(`where ${what}, feeds come as fast as ever, and their impressions are logged`, {
    skip: oneSession,
  }, async (t) => {
    await start();
    const app = testApp(t, url);
    const letGo = await hang();
    const ids: string[] = [];
    try {
      const begun = performance.now();
      for (let i = 0; i < 12; i++) {
        const { status, body } = await app.call(people.ada, { limit: 3 });
        assert.equal(status, 200);
        if (i === 0) assert.deepEqual(app.logged, [], "the first is there before its shadow is given up");
        ids.push(body.request_id);
      }
      const impressions = async () =>
        (await pool.query("select from recsys.impressions where request_id = any($1)", [ids])).rowCount;
      while ((await impressions()) !== 36 && performance.now() - begun < 24_000) await setTimeout(20);
      assert.ok(performance.now() - begun < 24_000, "each waiting for its shadow would take two seconds");
      // what hangs is given up at once; whatever waits for it follows when it is let go
      while (app.logged.length === 0) await setTimeout(20);
    } finally {
      await letGo();
    }
    await app.settled();
    assert.ok(app.logged.length > 0 && app.logged.every(({ code }) => code === "shadow_failed"));
    const messages = app.logged.map(({ cause }) => (cause as Error).message);
    assert.ok(
      messages.every((message) => /timeout|given up: 4 others wait already/.test(message)),
      `${messages}`,
    );
  });

test("what a feed shows and its reader does is in the report", async (t) => {
  await start();
  await pool.query("update recsys.settings set clock_shift = '2 days'");
  t.after(async () => void (await pool.query("update recsys.settings set clock_shift = '0'")));
  await pool.query("update public.posts set created_at = created_at - interval '3 days'");
  await pool.query("update public.post_votes set created_at = created_at - interval '3 days'");
  await pool.query("select recsys.roll_up(null)");
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 6 });
  await app.settled();
  assert.equal(body.items.length, 6);
  await pool.query(
    "insert into public.post_votes (user_id, post_id, created_at) values ($1, $2, recsys.clock() + interval '1 minute')",
    [people.ada, body.items[1].post_id],
  );
  await pool.query("update recsys.settings set clock_shift = '0'");
  const { rows } = await pool.query(
    "select head, requests::int, posts::int, judged::int, acted::int from recsys.shadow_report('shadow')",
  );
  assert.deepEqual(
    rows,
    kinds.map((head) => ({ head, requests: 1, posts: 6, judged: 6, acted: head === "vote" ? 1 : 0 })),
  );
  assert.deepEqual(app.logged, []);
});

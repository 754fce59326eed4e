/**
 * Feeds while models are activated, rolled back, published and dropped: every answer comes from one model alone, and none
 * fails. SOAK sets how many switches: 20 by default, 100 in `npm run test:soak`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { fillCommunity, people, plusNothing, publishTinyModel } from "../../../testing/community.ts";
import { GraphBuilder } from "../../../trainer/artifacts/onnx/graph-builder.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { dimensions } from "../_shared/features/history.ts";
import { pairFeatures } from "../_shared/features/ranker-features.ts";
import { contracts } from "../_shared/models/contracts.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const noPostgres = await withoutPostgres();

const database = await testDatabase({ after }, "swaps");
const { pool, url } = database;
const times = Number(process.env.SOAK ?? 20);
before(() => fillCommunity(pool));

/**
 * Model number n puts everybody and every post on axis n, and says sigmoid(n / 10 + similarity): with vectors of another
 * model the similarity is 0 instead of 1.
 */
async function publishNumbered(n: number): Promise<number> {
  const axis = Float32Array.from({ length: dimensions }, (_, d) => (d === n % dimensions ? 1 : 0));
  const client = await pool.connect();
  try {
    // at once, or for a moment it serves with other vectors
    await client.query("begin");
    const id = await publishTinyModel(client, {
      name: `number ${n}`,
      graphs: { user_tower: userTower(axis), dlrm: dlrm(n) },
    });
    const vectors = "update recsys.post_embeddings set embedding = $2::text::extensions.vector where model_id = $1";
    await client.query(vectors, [id, JSON.stringify([...axis])]);
    await client.query("commit");
    return id;
  } finally {
    client.release();
  }
}

function userTower(axis: Float32Array): Uint8Array {
  const g = new GraphBuilder("user_tower");
  const { id_embedding, ...unread } = g.inputsOf(contracts.user_tower);
  const zero = g.multiply(id_embedding, g.scalar(0));
  const vector = g.add(plusNothing(g, zero, unread), g.weights(axis, [1, dimensions]));
  g.output("embedding", g.l2Normalise(vector), contracts.user_tower.outputs.embedding.dims);
  return g.build();
}

function dlrm(n: number): Uint8Array {
  const g = new GraphBuilder("dlrm");
  const { pair_features, ...unread } = g.inputsOf(contracts.dlrm);
  const weights = new Float32Array(pairFeatures.length * 3);
  weights.fill(1, pairFeatures.indexOf("similarity") * 3, pairFeatures.indexOf("similarity") * 3 + 3);
  const logits = g.dense(pair_features, weights, new Float32Array(3).fill(n / 10));
  g.output("probabilities", g.sigmoid(plusNothing(g, logits, unread)), contracts.dlrm.outputs.probabilities.dims);
  return g.build();
}

/** Throws unless everything in a feed is of the model that it names. */
function assertOneModel({ model, items }: Feed): void {
  const n = Number(model?.name.split(" ")[1]);
  const expected = 1 / (1 + Math.exp(-(n / 10 + 1)));
  assert.ok(items.length > 0);
  for (const { predictions, source } of items)
    for (const value of Object.values(predictions ?? { none: Number.NaN }) as number[])
      assert.ok(Math.abs(value - expected) < 1e-4, `${source} ${value}, not ${expected} of model ${model?.name}`);
}

test(`${times} switches under load: every answer comes from one model, and none fails`, {
  skip: noPostgres,
  timeout: 60_000 + times * 5_000,
}, async (t) => {
  const random = new Random(5);
  // three people ask without a pause
  await pool.query("update recsys.settings set requests_per_minute = null");
  const ids: number[] = [];
  for (let n = 0; n < 4; n++) ids.push(await publishNumbered(n));
  let next = 4;
  const apps = [testApp(t, url), testApp(t, url)];
  let stopped = false;
  const served = new Set<string | undefined>();
  let answers = 0;
  const clients = [people.ada, people.ben, people.eve, people.ada].map(async (user, c) => {
    while (!stopped) {
      const { status, body } = await apps[c % 2].call(user);
      assert.equal(status, 200, JSON.stringify(body));
      assertOneModel(body);
      served.add(body.model?.name);
      answers++;
    }
  });
  const all = Promise.all(clients);
  all.catch(() => {
    stopped = true;
  });
  const idsOf = async (status: string): Promise<number[]> =>
    (await pool.query("select model_id from recsys.models where status = $1", [status])).rows.map(
      (row) => row.model_id,
    );
  for (let i = 0; i < times && !stopped; i++) {
    const [active] = await idsOf("active");
    if (i % 5 === 4) {
      // a new one serves, the oldest goes
      ids.push(await publishNumbered(next++));
      await drop(ids.shift() as number);
    } else if (i % 2 === 1 && (await idsOf("retired")).length > 0) await pool.query("select recsys.rollback_model()");
    else {
      const others = ids.filter((id) => id !== active);
      await pool.query("select recsys.activate_model($1)", [others[random.below(others.length)]]);
    }
    const [switched] = await idsOf("active");
    assert.notEqual(switched, active);
    // from now on every user is answered by it
    const { body } = await apps[i % 2].call(people.ben);
    assert.equal(body.model?.id, switched);
    assertOneModel(body);
    await setTimeout(random.uniform() * 40);
  }
  stopped = true;
  await all;
  assert.ok(answers > times, `${answers} answers`);
  assert.ok(served.size >= 4, [...served].join());
  const { rows } = await pool.query("select count(*)::int as n from recsys_engine.model_activations");
  assert.ok(rows[0].n >= times);
  assert.deepEqual(
    apps.flatMap(({ logged }) => logged),
    [],
  );
});

/** Drops a model when feeds let it. */
async function drop(id: number): Promise<void> {
  for (;;) {
    const error = await pool.query("select recsys_engine.drop_model($1)", [id]).then(
      () => undefined,
      (reason) => reason,
    );
    if (!error) return;
    assert.equal(error.code, "55P03", error.message);
    await setTimeout(10);
  }
}

/** What an ML engineer does: train with a config up to an instant, and see what was trained and how good it is. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Database } from "../../db/connect.ts";
import { openEmbeddedCopy } from "../../db/testing-embedded.ts";
import { configDigest, parseConfig } from "../config/config.ts";
import { inOrder, readRuns, runsTable } from "../model-folder/runs.ts";
import { fillSmallCommunity, temporaryFolder } from "../retraining/testing.ts";
import { trainIntoFolder } from "../train-into-folder.ts";

const folder = await temporaryFolder({ after });
const models = join(folder, "models");
const values = {
  towers: { temperature: 0.3, epochsOf: { before: 1 } },
  ranker: { epochs: 1, rows: 24, hardNegatives: 12 },
};
const lines: string[] = [];
let until: Date;
let database: Database;

before(async () => {
  database = await openEmbeddedCopy();
  await fillSmallCommunity(database);
  const { rows } = await database.pool.query(
    "select percentile_disc(0.8) within group (order by created_at) as at from recsys.source_interactions",
  );
  until = rows[0].at;
  const parsed = parseConfig(values);
  assert.ok("config" in parsed);
  const context = {
    database,
    onProgress: () => {},
    signal: new AbortController().signal,
    print: (line: string) => void lines.push(line),
  };
  for (const seed of [1, 2])
    await trainIntoFolder(context, {
      seed,
      config: parsed.config,
      until,
      out: join(models, `seed-${seed}`),
      parent: models,
    });
});
after(() => database.close());

const metricsOf = async (run: string) => JSON.parse(await readFile(join(models, run, "model.json"), "utf8")).metrics;

test("a model says with what it was trained, and on what", async () => {
  const metrics = await metricsOf("seed-1");
  assert.deepEqual(metrics.config, {
    "towers.epochsOf.before": 1,
    "towers.temperature": 0.3,
    "ranker.rows": 24,
    "ranker.hardNegatives": 12,
    "ranker.epochs": 1,
  });
  const parsed = parseConfig(values);
  assert.equal(metrics.config_digest, "config" in parsed && configDigest(parsed.config));
  assert.equal(metrics.ranker_losses.length, 1);
  assert.deepEqual(metrics.score_weights, [0.2, 1, 1]);
  assert.equal(metrics.versions.node, process.versions.node);
  const { rows } = await database.pool.query(
    `select (select count(*)::integer from recsys.source_users where created_at < $1) as users,
            (select count(*)::integer from recsys.source_posts where created_at < $1) as posts,
            (select count(*)::integer from recsys.source_interactions where created_at < $1) as interactions,
            (select max(created_at) from recsys.source_interactions where created_at < $1) as last`,
    [until],
  );
  const { digest, ...data } = metrics.data;
  const { last, ...counts } = rows[0];
  assert.deepEqual(data, { ...counts, last_interaction: last.toISOString() });
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal((await metricsOf("seed-2")).data.digest, digest);
});

test("training ends with what it makes of the held-out requests, beside the recency baseline", async () => {
  const { held_out } = await metricsOf("seed-1");
  assert.ok(held_out.requests >= 10, `${held_out.requests}`);
  for (const name of ["mrr", "recall@20"]) {
    const { model, baseline, difference, standard_error } = held_out.metrics[name];
    for (const value of [model, baseline]) assert.ok(value > 0 && value <= 1, `${name} ${value}`);
    assert.ok(Math.abs(model - baseline - difference) < 1e-9);
    assert.ok(standard_error > 0);
  }
  assert.match(
    lines[1],
    /^on \d+ held-out requests: mrr 0\.\d{3} \(recency baseline 0\.\d{3}, difference [+−]0\.\d{3} ± 0\.\d{3}\), recall@20 /,
  );
});

test("runs are listed the best first, and what cannot be read is said", async () => {
  await mkdir(join(models, "stray"));
  await mkdir(join(models, "killed.partial"));
  await mkdir(join(models, "damaged"));
  await writeFile(join(models, "damaged", "model.json"), "{");
  const { runs, unreadable } = await readRuns(models);
  assert.deepEqual(runs.map(({ folder }) => folder).sort(), ["seed-1", "seed-2"]);
  assert.equal(unreadable.length, 2);
  assert.match(unreadable.join(), /damaged is damaged \(model\.json\).*stray holds no model\.json/);
  const [best, other] = inOrder(runs, "mrr").map(({ held_out }) => held_out?.metrics.mrr?.model ?? 0);
  assert.ok(best >= other);
  assert.deepEqual(
    inOrder(runs, "newest").map(({ seed }) => seed),
    [2, 1],
  );
  const text = runsTable(inOrder(runs, "newest"));
  assert.match(text, /seed-2 .* wasm|seed-2 .* native|seed-2 .* js/);
  assert.match(text, /towers\.temperature=0\.3/);
  assert.doesNotMatch(text, /NaN|undefined/);
});

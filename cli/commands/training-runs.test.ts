/** What an ML engineer does: train with a config up to an instant, and see what was trained and how good it is. */
import assert from "node:assert/strict";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Database } from "../../db/connect.ts";
import { eitherDatabase } from "../../db/testing.ts";
import { readDescription, readModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { inOrder, readRuns, runsTable } from "../../trainer/artifacts/model-folder/runs.ts";
import { communityFromDatabase, type LoadedCommunity } from "../../trainer/data/replay/from-database.ts";
import { evaluateModels, headsOfPages } from "../../trainer/evaluation/evaluate-models.ts";
import { givenModels } from "../../trainer/evaluation/given-models.ts";
import { StepMeter } from "../../trainer/evaluation/report/step-meter.ts";
import { signedCell } from "../../trainer/evaluation/report/table.ts";
import { publish } from "../../trainer/release/publish/publish.ts";
import { fillSmallCommunity, temporaryFolder } from "../../trainer/testing.ts";
import { trainIntoFolder } from "../../trainer/train-into-folder.ts";
import { configDigest, defaultConfig, parseConfig } from "../../trainer/training/config/config.ts";
import { evaluateCommand } from "./evaluate.ts";

const folder = await temporaryFolder({ after });
const models = join(folder, "models");
const values = {
  towers: { temperature: 0.3, epochsOf: { before: 1 } },
  ranker: { epochs: 1, rows: 24, hardNegatives: 12 },
};
const lines: string[] = [];
let until: Date;
const database = await eitherDatabase({ after }, "training_runs");

/** A community, the same one wherever it is filled in. */
async function fill({ pool, ...database }: Database): Promise<void> {
  await fillSmallCommunity({ pool, ...database });
  // a clock that was wrong: the view is older than the post
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select user_id, post_id, post.created_at - interval '1 hour' from recsys.source_posts as post
     cross join lateral (select user_id from recsys.source_users as person where user_id <> post.author_id order by user_id limit 1) as viewer
     order by post.created_at limit 3`,
  );
  await pool.query("select recsys.roll_up()");
}

before(async () => {
  await fill(database);
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
            (select count(*)::integer from recsys.source_interactions as act join recsys.source_posts as post using (post_id)
               where act.created_at < $1 and act.created_at < post.created_at) as before_their_post,
            (select max(created_at) from recsys.source_interactions where created_at < $1) as last`,
    [until],
  );
  const { digest, ...data } = metrics.data;
  const { last, ...counts } = rows[0];
  assert.equal(data.before_their_post, 3);
  assert.equal(lines[1], "left out: 3 interactions that are older than their post");
  assert.deepEqual(data, { ...counts, last_interaction: last.toISOString() });
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal((await metricsOf("seed-2")).data.digest, digest);
});

test("training ends with what it makes of the held-out requests, compared with the recency baseline", async () => {
  const { held_out, ranker_requests } = await metricsOf("seed-1");
  // those that the ranker's training held out, and none of what came after: that is for evaluating it
  assert.equal(held_out.requests, ranker_requests - Math.floor(ranker_requests * (1 - defaultConfig.ranker.heldOut)));
  assert.ok(held_out.requests >= 10, `${held_out.requests}`);
  assert.ok(Date.parse(held_out.to) < until.getTime(), held_out.to);
  assert.equal(held_out.before_learning, false);
  for (const name of ["mrr", "recall@20"]) {
    const { model, baseline, difference, standard_error } = held_out.metrics[name];
    for (const value of [model, baseline]) assert.ok(value > 0 && value <= 1, `${name} ${value}`);
    assert.ok(Math.abs(model - baseline - difference) < 1e-9);
    assert.ok(standard_error >= 0 && standard_error < 0.5);
  }
  assert.match(
    lines[2],
    /^on \d+ held-out requests: mrr 0\.\d{3} \(recency baseline 0\.\d{3}, difference [+−]0\.\d{3} ± 0\.\d{3}\), recall@20 /,
  );
});

/** What asks for one trained model to be evaluated. */
const ofSeedOne = { protocol: "replay" as const, seed: [1], sample: 1, model: [join(models, "seed-1")] };
const watched = { onProgress: () => {}, signal: undefined };

test("trained models are compared with each other and the baselines on the same events; published, a model answers as out of its folder", async () => {
  const { name } = await readDescription(join(models, "seed-1"));
  await publish(database, await readModelFolder(join(models, "seed-1")), { activate: false });
  const loaded = await communityFromDatabase(database);
  const window = { validFrom: until.getTime(), testFrom: until.getTime(), sample: 40, seed: 1 };
  const meter = new StepMeter();
  try {
    const evaluated = async (wanted: string[], out?: string) => {
      const given = await givenModels(database, loaded, wanted, window.testFrom);
      const pipeline = { seed: 1, scoreWeights: [0.2, 1, 1] };
      return await evaluateModels(loaded, window, given, { database, meter, pipeline, out });
    };
    const { text, report } = await evaluated(
      [join(models, "seed-1"), join(models, "seed-2")],
      join(folder, "compared"),
    );
    const published = await evaluated([name]);
    const [first, second] = report.recommenders;
    assert.deepEqual(first.metrics, published.report.recommenders[0].metrics);
    assert.deepEqual([first.name, report.recommenders[2].name], ["seed-1", "recency baseline"]);
    assert.equal(published.report.recommenders[0].name, name);
    assert.notDeepEqual(first.metrics, second.metrics);
    assert.equal(first.metrics.all.lists, 40);

    const ranks = async (file: string) =>
      (await readFile(join(folder, "compared", file), "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => 1 / (JSON.parse(line).rank ?? Infinity));
    const [own, others] = [await ranks("rankings.ndjson"), await ranks(`baselines/${second.name}.ndjson`)];
    const differences = others.map((value, i) => value - own[i]);
    const mean = differences.reduce((sum, value) => sum + value, 0) / 40;
    const error = Math.sqrt(differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 39 / 40);
    const cell = `${signedCell(mean)} (${signedCell(mean - 1.96 * error)} to ${signedCell(mean + 1.96 * error)})`;
    assert.ok(text.includes(cell), `${cell} in\n${text}`);
    assert.doesNotMatch(text, /NaN|undefined/);
    const cold = first.metrics["cold users"].lists;
    assert.ok(text.includes(`R@20 (40)`) && text.includes(`MRR cold (${cold})`), text);
    const page = await readFile(join(folder, "compared", "report.html"), "utf8");
    for (const title of [
      "The data",
      "Model seed-1",
      "vs seed-1, 95 %",
      "What each feature is worth",
      "Where it loses most: users",
    ])
      assert.ok(page.includes(`<h2>${title}</h2>`), title);
    assert.match(page, /<td>towers\.temperature<\/td><td class="text">0\.3<\/td>/);
    assert.match(page, /older than their post, left out<\/td><td class="text">3</);
    assert.doesNotMatch(page, /NaN|undefined/);
    assert.match(page, /<td>name<\/td><td class="text">model-/);
    assert.ok(report.extras.heads?.[0].models.some((model) => model.name === "seed-1" && model.bins));
    // the heads of both are measured on the same rows, which are some of those that each has alone
    for (const { head, models } of report.extras.heads ?? []) {
      assert.equal(new Set(models.map(({ metrics }) => metrics.rows)).size, 1, head);
      const alone = published.report.extras.heads?.find((each) => each.head === head)?.models[0].metrics;
      assert.ok(alone && models[0].metrics.rows <= alone.rows && models[0].metrics.positives <= alone.positives);
    }
    assert.match(text, /^norm\. entropy vs seed-1, 95 % {2,}view \(\d+ positives\)/m);
  } finally {
    await meter.close();
  }
  assert.ok(await modelInMemoryIsTheSame(name, loaded));
});

async function modelInMemoryIsTheSame(name: string, loaded: LoadedCommunity): Promise<boolean> {
  const [fromFolder, fromDatabase] = await Promise.all(
    [join(models, "seed-1"), name].map(async (wanted) => {
      const [given] = await givenModels(database, loaded, [wanted], until.getTime());
      return await given.load(loaded.community, watched);
    }),
  );
  assert.ok(fromFolder.userIdEmbeddings.size > 0);
  assert.deepEqual(fromDatabase.userIdEmbeddings, fromFolder.userIdEmbeddings);
  return fromFolder.postVectors.every((value, i) => Math.abs(value - fromDatabase.postVectors[i]) < 1e-6);
}

test("what was shown since the test began is a row of the heads, and what came of it within a day its label", async () => {
  const loaded = await communityFromDatabase(database);
  const wanted = [join(models, "seed-1"), join(models, "seed-2")];
  const given = await givenModels(database, loaded, wanted, until.getTime());
  const served = Object.fromEntries(
    await Promise.all(given.map(async ({ label, load }) => [label, await load(loaded.community, watched)])),
  );
  const options = { ...watched, weights: { view: 0.2, vote: 1, comment: 1, dismiss: 0, long_view: 0 } };
  const found = await headsOfPages(loaded, served, { testFrom: until.getTime() }, options);
  const { rows } = await database.pool.query(
    `with shown as (
       select request_id, user_id, post_id, shown_at from recsys.impressions
       where shown_at >= $1 and shown_at + interval '1 day' < (
         select greatest((select max(created_at) from recsys.source_interactions), (select max(created_at) from recsys.source_logins))
       ) and not exists (
         select from recsys.source_interactions as act
         where act.user_id = impressions.user_id and act.post_id = impressions.post_id and act.created_at < shown_at
       )
     )
     select count(*)::integer as rows, count(distinct request_id)::integer as pages, count(*) filter (where exists (
       select from recsys.source_interactions as act
       where act.user_id = shown.user_id and act.post_id = shown.post_id and act.kind = 'view'
         and act.created_at between shown_at and shown_at + interval '1 day'
     ))::integer as views from shown`,
    [until],
  );
  const [of] = found?.rows ?? [];
  assert.ok(found && rows[0].views > 20);
  assert.deepEqual(
    { rows: of.labels.length, pages: found.pages, views: of.labels.filter((label) => label === 1).length },
    rows[0],
  );
  assert.equal(of.head, "view, shown");
  assert.deepEqual(
    of.probabilities.map(({ by }) => by),
    ["seed-1", "seed-2"],
  );
  const [first, second] = of.probabilities.map(({ values }) => values);
  assert.ok([...first, ...second].every((p) => p > 0 && p < 1) && first.some((p, i) => p !== second[i]));
  assert.equal(new Set(of.lists).size, found.pages);
  const some = await headsOfPages(loaded, served, { testFrom: until.getTime(), sample: 7 }, options);
  assert.equal(some?.pages, 7);
  assert.equal(await headsOfPages({ ...loaded, pages: [] }, served, { testFrom: until.getTime() }, options), undefined);
});

test("a validation that begins after the test is refused", async () => {
  const later = new Date(until.getTime() + 1);
  await assert.rejects(
    evaluateCommand({
      ...ofSeedOne,
      database: database.url,
      validFrom: later,
      testFrom: until,
    }),
    {
      name: "UserError",
      message:
        /^--valid-from \(\S+\) must lie before the test begins \(\S+\): name an earlier one, or a later --test-from$/,
    },
  );
});

test("a model that knows the test is refused with the cure, and so is what is no model", async () => {
  const seed1 = join(models, "seed-1");
  const loaded = await communityFromDatabase(database);
  const refusedFor = async (wanted: string[], testFrom: number, reason: RegExp) =>
    await assert.rejects(givenModels(database, loaded, wanted, testFrom), { name: "UserError", message: reason });
  const { learned_until } = await readDescription(seed1);
  const at = learned_until.replaceAll(".", "\\.");
  await refusedFor(
    [seed1],
    until.getTime() - 1,
    new RegExp(
      `^model \\S+ has learned from what happened until ${at}, .*give --test-from ${at} or later, or train it with --until$`,
    ),
  );
  await refusedFor(
    ["nothing"],
    until.getTime(),
    /^nothing is neither a folder nor a published model: published are model-/,
  );
  await refusedFor([seed1, seed1], until.getTime(), /^model \S+ was given twice$/);
  await refusedFor([folder], until.getTime(), /holds no model\.json/);
  await refusedFor([""], until.getTime(), /^"" is neither a folder nor a published model: /);
  for (const [file, content, reason] of [
    ["dlrm.onnx", "no graph", /is damaged \(dlrm\.onnx\): train again$/],
    ["samples.json", "no\nJSON", /is damaged \(samples\.json\): train again$/],
    ["held-back/post_tower.onnx", undefined, /is damaged \(held-back\/post_tower\.onnx is missing\): train again$/],
  ] as const) {
    const broken = join(folder, "broken");
    await cp(seed1, broken, { recursive: true });
    if (content === undefined) await rm(join(broken, file));
    else await writeFile(join(broken, file), content);
    await refusedFor([broken], until.getTime(), reason);
    await rm(broken, { recursive: true });
  }
  const { rows } = await database.pool.query(
    "update recsys.settings set community_id = gen_random_uuid() returning (select community_id from recsys.settings) as before",
  );
  try {
    loaded.community.posts.titles[0] += "!";
    await refusedFor([seed1], until.getTime(), /was trained on another community/);
  } finally {
    await database.pool.query("update recsys.settings set community_id = $1", [rows[0].before]);
  }
});

test("in another database with the same community a folder is evaluated, until something it learned from is another there", async (t) => {
  const other = await eitherDatabase(t, "other");
  await fill(other);
  await other.pool.query("update recsys.settings set community_id = gen_random_uuid()");
  const seed1 = join(models, "seed-1");
  const given = async () => await givenModels(other, await communityFromDatabase(other), [seed1], until.getTime());
  assert.deepEqual(
    (await given()).map(({ label }) => label),
    ["seed-1"],
  );
  // what came after its training is for the test alone
  await other.pool.query("delete from public.post_votes where created_at > $1", [until]);
  await other.pool.query("select recsys.roll_up()");
  assert.equal((await given()).length, 1);
  await other.pool.query(
    "update public.posts set title = title || '!' where id = (select post_id from recsys.source_posts order by created_at limit 1)",
  );
  await assert.rejects(given(), {
    name: "UserError",
    message: /^model model-\S+ \(\S+seed-1\) was trained on another community, .*: evaluate it on the database/,
  });
  // no folder of that name, and nothing is published there
  await assert.rejects(givenModels(other, await communityFromDatabase(other), ["seed-1"], until.getTime()), {
    name: "UserError",
    message: /^seed-1 is neither a folder nor a published model: none is published in this database, so name a folder/,
  });
});

test("with --model what says how to train is refused", async () => {
  for (const wrong of [{ backend: "js" }, { config: "config.yaml" }] as const)
    await assert.rejects(evaluateCommand({ ...ofSeedOne, database: database.url, ...wrong }), {
      name: "UserError",
      message: /^--(backend|config) says how to train, .*: leave out one$/,
    });
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

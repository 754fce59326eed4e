/**
 * What plugs in at the seams of a feed can be left out: in a copy of the code each plug-in's folder, its lines where plug-ins are named, and its
 * SQL are deleted. The types fit without any one of them, and without all of them a feed is served and logged. With a plug-in go the tests named here.
 */
import assert from "node:assert/strict";
import { access, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../../db/testing-program.ts";
import { writeBaseline } from "../../../db/upgrade/testing-baseline.ts";
import { temporaryFolder } from "../../../trainer/testing.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const copy = await temporaryFolder({ after });
const folder = "supabase/functions/_shared/plugins";

interface PlugIn {
  /** What the registry calls it. */
  name: string;
  schemas: string[];
  tests: string[];
}

const plugIns: Record<string, PlugIn> = {
  variants: { name: "variantModel", schemas: [], tests: ["supabase/functions/recommend/experiments.test.ts"] },
  interleaving: {
    name: "interleavedPageBuilder",
    schemas: [
      "retrieval/second_model",
      "experiment_reports/interleaving_credits",
      "experiment_reports/interleaving_report",
    ],
    tests: [
      "supabase/functions/recommend/interleaving.test.ts",
      "supabase/functions/recommend/interleaved-models.full.test.ts",
      "supabase/functions/recommend/second-candidates.test.ts",
      "db/interleaving-effects.test.ts",
      "db/interleaving-report.test.ts",
    ],
  },
  promotions: {
    name: "createPromotionProvider",
    schemas: ["promotions/promotions", "promotions/preview_promotion"],
    tests: ["supabase/functions/recommend/promotions.test.ts"],
  },
  randomization: {
    name: "randomizedPageBuilder",
    schemas: [],
    tests: ["supabase/functions/recommend/drawn-places.test.ts"],
  },
  shadow: {
    name: "createShadowScorer",
    schemas: [
      "models/shadows",
      "exposure_log/shadow_impressions",
      "experiment_reports/shadow_report",
      "experiment_reports/off_policy",
    ],
    tests: ["supabase/functions/recommend/shadow.test.ts", "db/shadows.test.ts", "db/off-policy.test.ts"],
  },
};

async function leaveOutSchema(file: string): Promise<void> {
  await rm(join(copy, "supabase/schemas", file));
  const order = join(copy, "supabase/schemas/order.txt");
  await writeFile(order, (await readFile(order, "utf8")).replace(`${file}\n`, ""));
}

/** Leaves a plug-in out of the copy, without its SQL. */
async function leaveOut(plugIn: string): Promise<void> {
  await rm(join(copy, folder, plugIn), { recursive: true });
  await withoutLines(join(copy, folder, "plugins.ts"), plugIns[plugIn].name, 2);
}

async function withoutLines(path: string, name: string, count: number): Promise<void> {
  const lines = (await readFile(path, "utf8")).split("\n");
  const left = lines.filter((line) => !line.includes(name));
  assert.equal(lines.length - left.length, count, `lines of ${path} that name ${name}`);
  await writeFile(path, left.join("\n"));
}

before(async () => {
  await mkdir(join(copy, "supabase"));
  for (const part of [
    "supabase/functions",
    "supabase/migrations",
    "supabase/schemas",
    "db",
    "serve",
    "trainer",
    "testing",
    "package.json",
  ])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const { compilerOptions } = JSON.parse(await readFile(join(root, "tsconfig.json"), "utf8"));
  // an edit that deletes the last user of an argument deletes the argument
  Object.assign(compilerOptions, { noUnusedLocals: false, noUnusedParameters: false, incremental: true });
  const include = ["supabase/functions/*/handler.ts", `${folder}/feed-services.ts`];
  await writeFile(join(copy, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
});

async function assertTypesFit(): Promise<void> {
  const { status, stdout, stderr } = await runProgram(
    join(root, "node_modules/typescript/bin/tsc"),
    ["--noEmit"],
    copy,
  );
  assert.equal(status, 0, stdout + stderr);
}

test("the folders are the plug-ins, and what is to be deleted with them is there", async () => {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual(folders.sort(), Object.keys(plugIns).sort());
  for (const { schemas, tests } of Object.values(plugIns)) {
    for (const path of tests) await access(join(root, path));
    for (const file of schemas) await access(join(root, `supabase/schemas/${file}.sql`));
  }
});

test("the line of a feed imports nothing of them", async () => {
  const line = join(root, "supabase/functions/_shared/recommend");
  for (const entry of await readdir(line, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = await readFile(join(entry.parentPath, entry.name), "utf8");
    assert.doesNotMatch(text, /from "[^"]*plugins\//, entry.name);
  }
});

for (const plugIn of Object.keys(plugIns))
  test(`without ${plugIn} the types fit`, async (t) => {
    t.after(() => cp(join(root, folder), join(copy, folder), { recursive: true }));
    await leaveOut(plugIn);
    await assertTypesFit();
  });

/** Serves ada's first page and says what was logged of it. */
const served = `
import { openEmbeddedCopy } from "./db/testing-embedded.ts";
import { fillCommunity, people, publishTinyModel } from "./testing/community.ts";
import { testApp } from "./supabase/functions/recommend/testing.ts";

const database = await openEmbeddedCopy();
const { pool } = database;
const cleanings = [() => database.close()];
try {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set drawn_share = 1, trial_place = 3");
  const app = testApp({ after: (clean) => cleanings.unshift(clean) }, database.url);
  const { status, body } = await app.call(people.ada, { limit: 10 });
  await app.settled();
  const { rows } = await pool.query(
    "select variant, propensity, team, explored from recsys.impressions where request_id = $1 order by position",
    [body.request_id],
  );
  const visit = await app.visit({ limit: 10 });
  const { rows: gone } = await pool.query("select to_regclass('recsys.shadows') is null and to_regproc('recsys_engine.user_model_inputs') is null as all");
  await pool.query("select recsys.roll_up(), recsys_engine.purge_impressions(), recsys_engine.drop_old_model(), recsys_engine.stop_harmful_experiments(), recsys_engine.measure_days()");
  console.log(JSON.stringify({ status, model: body.model?.name, items: body.items?.length, rows, visitor: visit.body.items?.length, logged: app.logged, gone }));
} finally {
  for (const clean of cleanings) await clean();
}`;

test("without all of them and their SQL a feed is served, logged and kept in order", async () => {
  for (const plugIn of Object.keys(plugIns)) {
    await leaveOut(plugIn);
    for (const file of plugIns[plugIn].schemas) await leaveOutSchema(`${file}.sql`);
  }
  const registry = join(copy, "supabase/schemas/experiments/models_under_test.sql");
  const sql = await readFile(registry, "utf8");
  const line = "union\nselect shadows.model_id from recsys.shadows where shadows.ended_at is null;";
  assert.ok(sql.includes(line), "the shadows' line among the models that are tried");
  await writeFile(registry, sql.replace(`\n${line}`, ";"));
  await writeBaseline(copy);
  await assertTypesFit();
  await writeFile(join(copy, "served.ts"), served);
  const { status, stdout, stderr } = await runProgram(join(copy, "served.ts"), [], copy);
  assert.equal(status, 0, stderr + stdout);
  const answer = JSON.parse(stdout);
  const plain = { variant: null, propensity: 1, team: null, explored: false };
  const tried = { ...plain, propensity: null, explored: true };
  assert.deepEqual(answer, {
    status: 200,
    model: "tiny",
    items: 10,
    rows: [plain, plain, tried, plain, plain, plain, plain, plain, plain, plain],
    visitor: 10,
    logged: [],
    gone: [{ all: true }],
  });
});

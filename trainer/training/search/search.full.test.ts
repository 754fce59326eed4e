/** A search on a small community: what is tried, that it goes on where it was stopped, and what it refuses. */
import assert from "node:assert/strict";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { wereAskedTheSame } from "../../artifacts/model-folder/runs.ts";
import { fillSmallCommunity, temporaryFolder } from "../../testing.ts";
import { defaultConfig } from "../config/config.ts";
import { readConfig } from "../config/config-file.ts";
import { quickConfig } from "../config/testing.ts";
import { search } from "./search.ts";
import { configsOf, drawsOf, gridOf, parseSpace } from "./space.ts";

test("a grid has every combination once; draws with a seed begin alike and keep to their ranges", () => {
  const grid = gridOf({ "ranker.epochs": [1, 2], "towers.temperature": [0.1, 0.2, 0.4] });
  assert.equal(new Set(grid.map((trial) => JSON.stringify(trial))).size, 6);
  assert.deepEqual(grid[1], { "ranker.epochs": 1, "towers.temperature": 0.2 });
  const space = {
    "ranker.epochs": { from: 1, to: 8 },
    "towers.temperature": { from: 0.05, to: 0.5 },
    "ranker.batch": [16, 32],
  };
  const draws = drawsOf(space, 60, 1, defaultConfig);
  assert.deepEqual(drawsOf(space, 20, 1, defaultConfig), draws.slice(0, 20));
  assert.notDeepEqual(drawsOf(space, 20, 2, defaultConfig), draws.slice(0, 20));
  for (const draw of draws) {
    const [epochs, temperature] = [draw["ranker.epochs"] as number, draw["towers.temperature"] as number];
    assert.ok(Number.isInteger(epochs) && epochs >= 1 && epochs <= 8, `${epochs}`);
    assert.ok(temperature >= 0.05 && temperature <= 0.5, `${temperature}`);
  }
  // half of them below the geometric mean
  const low = draws.filter((draw) => (draw["towers.temperature"] as number) < Math.sqrt(0.05 * 0.5)).length;
  assert.ok(low > 15 && low < 45, `${low}`);
});

const refusedSpaces: [name: string, content: unknown, reason: RegExp][] = [
  ["nothing", null, /names no hyperparameter/],
  ["an unknown one", { "towers.warmth": [1] }, /space\.yaml: towers\.warmth: there is no such hyperparameter/],
  ["a group", { "towers.further": [1] }, /towers\.further: there is no such/],
  ["no values", { "ranker.epochs": [] }, /ranker\.epochs: Too small: expected array to have >=1 items/],
  ["a single value", { "ranker.epochs": 3 }, /ranker\.epochs: must be a list/],
  ["a range the wrong way round", { "ranker.epochs": { from: 3, to: 1 } }, /ranker\.epochs: /],
];
for (const [name, content, reason] of refusedSpaces)
  test(`a space of ${name} is refused`, () => {
    assert.throws(() => parseSpace("space.yaml", content, defaultConfig), { name: "UserError", message: reason });
  });

test("a grid with a range, too large a grid, and values that cannot be are refused", () => {
  assert.throws(() => gridOf({ "ranker.epochs": { from: 1, to: 3 } }), /ranker\.epochs has a range.*give --draws/);
  const many = Array.from({ length: 60 }, (_, i) => i + 1);
  assert.throws(() => gridOf({ "ranker.epochs": many, "ranker.batch": many }), /more than 3000 combinations/);
  assert.throws(
    () => configsOf([{ "ranker.rows": 8 }], defaultConfig),
    /\{"ranker\.rows":8\} cannot be tried: ranker\.hardNegatives/,
  );
});

const database = await eitherDatabase({ after }, "search");
const out = join(await temporaryFolder({ after }), "search");
before(() => fillSmallCommunity(database));

test("it trains what is not there yet, says which is best, and holds to what it began with", async () => {
  const lines: string[] = [];
  const context = {
    database,
    onProgress: () => {},
    signal: new AbortController().signal,
    print: (line: string) => void lines.push(line),
  };
  const options = { space: { "towers.temperature": [0.1, 0.3] }, config: quickConfig, seed: 1, out };
  const runs = await search(context, options);
  assert.deepEqual(runs.map(({ folder }) => folder).sort(), ["trial-00001", "trial-00002"]);
  assert.equal(new Set(runs.map(({ data }) => data.digest)).size, 1);
  const mrr = runs.map(({ held_out }) => held_out?.metrics.mrr?.model ?? 0);
  assert.ok(mrr[0] >= mrr[1] && mrr[1] > 0);
  const best = await readConfig(join(out, "best.yaml"));
  assert.equal(best.towers.temperature, runs[0].config["towers.temperature"]);
  assert.equal(best.ranker.rows, 24);

  assert.ok(wereAskedTheSame(runs));
  const { held_out: of } = runs[0];
  assert.ok(!wereAskedTheSame([runs[0], { ...runs[1], held_out: of && { ...of, requests: of.requests - 1 } }]));

  // the second has a file that cannot be read
  await rm(join(out, "trial-00002", "model.json"));
  const { mtimeMs } = await stat(join(out, "trial-00001", "model.json"));
  lines.length = 0;
  await database.pool.query("update recsys.settings set clock_shift = clock_shift - interval '3 hours'");
  const again = await search(context, options);
  assert.equal((await stat(join(out, "trial-00001", "model.json"))).mtimeMs, mtimeMs);
  assert.deepEqual(
    lines.filter((line) => / of 2: /.test(line)),
    ["2 of 2: towers.temperature=0.3"],
  );
  const learned = await Promise.all(
    again.map(async ({ folder }) => JSON.parse(await readFile(join(out, folder, "model.json"), "utf8")).learned_until),
  );
  assert.equal(new Set(learned).size, 1, "all learn up to the same instant, whenever they are trained");

  await assert.rejects(search(context, { ...options, seed: 2 }), {
    name: "UserError",
    message: /holds another search \(other seed\): name another folder/,
  });
  await writeFile(join(out, "search.json"), "{");
  await assert.rejects(search(context, options), { name: "UserError", message: /\(search\.json is damaged\)/ });
});

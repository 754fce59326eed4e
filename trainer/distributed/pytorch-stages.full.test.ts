/** What cluster/ reads of an export, what it refuses to begin with, and the starts that it trains. */
import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createReverseScope, eitherDatabase } from "../../db/testing.ts";
import { temporaryFolder } from "../testing.ts";
import { type ExportContext, exportData } from "./export-data.ts";
import { readManifest } from "./manifest.ts";
import { readSafetensors } from "./safetensors.ts";
import {
  type ClusterPrograms,
  exportContext,
  exportOptions,
  fillCommunityToExport,
  requireSuccess,
  startClusterPrograms,
  withoutTorch,
} from "./testing.ts";

let context: ExportContext;
let folder: string;
let runCluster: ClusterPrograms;
const outputOf = async (...run: Parameters<ClusterPrograms>) => requireSuccess(await runCluster(...run));

// a hook that calls `after` has it run after the first test
const scope = createReverseScope({ after });

before(async () => {
  if (withoutTorch) return;
  runCluster = startClusterPrograms(scope);
  folder = await temporaryFolder(scope);
  const database = await eitherDatabase(scope, "pytorch_stages");
  await fillCommunityToExport(scope, database, { withVectors: true });
  context = exportContext(database);
  await exportData(context, exportOptions(folder));
  await outputOf("train.py", [join(folder, "towers")]);
});

test("shards are read as one whole, row group by row group, and one that is missing is missed", {
  skip: withoutTorch,
}, async () => {
  const shards = join(folder, "shards");
  const to = new Date((await readManifest(folder)).to);
  for (const number of [1, 2, 3]) await exportData(context, exportOptions(shards, { shard: { number, of: 3 }, to }));
  const stages = [join(folder, "towers"), join(shards, "towers")];
  const said = await outputOf("testing_tables.py", stages);
  assert.match(said, /^users 150 1\nposts 500 1\npairs \d{4} [3-9]\n$/);
  await rm(join(shards, "towers", "pairs.2-of-3.parquet"));
  const { output, code } = await runCluster("testing_tables.py", stages);
  assert.equal(code, 1);
  assert.match(output, /holds 2 files of pairs, which are not all shards of one export/);
});

test("what a training cannot begin with is one line, and of three starts each is trained, one without ID embeddings of posts", {
  skip: withoutTorch,
}, async () => {
  const refusals: [change: (stage: { weights: object; starts: string[] }) => void, message: RegExp, args?: string[]][] =
    [
      [
        (s) => Object.assign(s.weights, { "post/text": [1] }),
        /has weights named post\/text, which this cluster\/ does not know/,
      ],
      [
        (s) => Object.assign(s, { starts: ["begin"] }),
        /no \S+begin.safetensors: train the stage before this one, or export/,
      ],
      [
        (s) => Object.assign(s.weights, { tokens: [7, 32] }),
        /has tokens of shape \[4096, 32\], not \[7, 32\]: export again/,
      ],
      [() => {}, /there are \d row groups, and so work for \d ranks at most, not 99/, ["--lanes", "99"]],
    ];
  const untrained = async (name: string) => {
    const copy = join(folder, name);
    await cp(join(folder, "towers"), copy, { recursive: true, filter: (path) => !path.includes("/weights") });
    return copy;
  };
  for (const [i, [change, message, args = []]] of refusals.entries()) {
    const copy = await untrained(`refused-${i}`);
    const stage = JSON.parse(await readFile(join(copy, "stage.json"), "utf8"));
    change(stage);
    await writeFile(join(copy, "stage.json"), JSON.stringify(stage));
    const { output, code } = await runCluster("train.py", [copy, ...args]);
    assert.deepEqual([code, output.split("\n").length], [1, 2], output);
    assert.match(output, message);
  }
  const thrice = await untrained("thrice");
  const stage = JSON.parse(await readFile(join(thrice, "stage.json"), "utf8"));
  const ways = ["", "-without-post-ids", "-from-factors"];
  await writeFile(join(thrice, "stage.json"), JSON.stringify({ ...stage, starts: ways.map((way) => `start${way}`) }));
  for (const way of ways.slice(1)) await cp(join(thrice, "start.safetensors"), join(thrice, `start${way}.safetensors`));
  const said = await outputOf("train.py", [thrice, "--steps", "2"]);
  for (const way of ways) {
    assert.match(said, new RegExp(`thrice/weights${way}.safetensors: 2 steps, `));
    const { tensors } = await readSafetensors(join(thrice, `weights${way}.safetensors`));
    assert.equal(tensors.post_id_embeddings.values.some(Boolean), way !== "-without-post-ids");
  }
  const trained = await outputOf("train.py", [join(folder, "towers")]);
  assert.match(trained, /towers\/weights.safetensors is trained already: remove it to train again\n/);
});

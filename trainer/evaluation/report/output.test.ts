import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Random } from "../../models/nn/random.ts";
import { lastActive, mostRecent, popularity } from "../baselines/simple.ts";
import { runCut } from "../protocols/cut.ts";
import { runReplay } from "../protocols/replay.ts";
import { hour, sizesOf, smallCommunity } from "../testing.ts";
import { writeCut, writeReplay } from "./output.ts";

const random = new Random(7);
const community = smallCommunity(
  30,
  Array.from({ length: 150 }, (_, i): [number, number, string] => [i % 30, i, `<b>word${i % 9}</b> & more`]),
  Array.from({ length: 900 }, (_, i): [number, number, number] => [
    random.below(30),
    random.below(1 + i / 6),
    i / 6 + 0.1,
  ]),
);
const sizes = sizesOf(community);
const lines = async (path: string) =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("the folder of an evaluation", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "evaluation-"));
  });
  after(() => rm(folder, { recursive: true }));

  test("replay: metrics can be recomputed from the rankings, and the page stands alone", async () => {
    const options = { validFrom: 50 * hour, testFrom: 100 * hour, sample: 80, seed: 3 };
    const results = await runReplay(community, options, [lastActive(sizes), mostRecent(sizes)]);
    await writeReplay(folder, community, options, results, { primary: "last active", baseline: "most recent" });
    assert.deepEqual((await readdir(folder)).sort(), ["baselines", "metrics.json", "rankings.ndjson", "report.html"]);
    const metrics = JSON.parse(await readFile(join(folder, "metrics.json"), "utf8"));
    for (const [r, file] of ["rankings.ndjson", "baselines/most-recent.ndjson"].entries()) {
      const rankings = await lines(join(folder, file));
      assert.equal(rankings.length, 80);
      for (const { post_id, rank, top } of rankings) assert.equal(top[rank - 1] ?? post_id, post_id);
      const hits = rankings.filter(({ post_id, top }) => top.slice(0, 20).includes(post_id)).length;
      assert.equal(metrics.recommenders[r].metrics.all["recall@20"].mean, hits / 80);
      const mrr = rankings.reduce((sum, { rank }) => sum + 1 / rank, 0) / 80;
      assert.ok(Math.abs(metrics.recommenders[r].metrics.all.mrr.mean - mrr) < 1e-12);
    }
    const { lists } = metrics.recommenders[0].metrics["cold users"];
    assert.equal(lists + metrics.recommenders[0].metrics["warm users"].lists, 80);
    assert.equal(typeof metrics.recommenders[0].differences.all["recall@20"].mean, "number");
    assert.deepEqual(metrics.recommenders[1].differences, {});
    const page = await readFile(join(folder, "report.html"), "utf8");
    assert.doesNotMatch(page, /(src|href)=|url\(|NaN|undefined/);
    assert.match(page, /last active/);
  });

  test("cut: the same from its rankings", async () => {
    const options = { split: "random" as const, seed: 1 };
    const results = await runCut(community, options, [popularity(sizes)]);
    await writeCut(folder, community, options, results, { primary: "popularity", baseline: "popularity" });
    const rankings = await lines(join(folder, "rankings.ndjson"));
    const recalls = rankings.map(({ test: right, top }) => {
      return top.slice(0, 20).filter((post: string) => right.includes(post)).length / Math.min(20, right.length);
    });
    const metrics = JSON.parse(await readFile(join(folder, "metrics.json"), "utf8"));
    assert.equal(metrics.recommenders[0].metrics.all.lists, rankings.length);
    const mean = recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
    assert.ok(Math.abs(metrics.recommenders[0].metrics.all["recall@20"].mean - mean) < 1e-12);
  });
});

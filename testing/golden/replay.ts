/** A small replay of the golden community by its model: the lines of rankings.ndjson, as `recsys evaluate --model` writes them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../../db/testing.ts";
import { communityFromDatabase } from "../../trainer/data/replay/from-database.ts";
import { givenModels } from "../../trainer/evaluation/given-models.ts";
import { defaultWindow, runReplay } from "../../trainer/evaluation/protocols/replay.ts";
import { writeReplay } from "../../trainer/evaluation/report/output.ts";
import { ReplayedSystem } from "../../trainer/evaluation/system/replayed-system.ts";
import { System } from "../../trainer/evaluation/system/system.ts";
import { temporaryFolder } from "../../trainer/testing.ts";
import { defaultConfig } from "../../trainer/training/config/config.ts";
import type { GoldenCommunity } from "./community.ts";
import type { GoldenAnswer } from "./compare.ts";

/** What the model ranks at so many events of the last tenth; each line is an answer. */
export async function replayedRankings(
  scope: Scope,
  { database }: GoldenCommunity,
  sample: number,
): Promise<GoldenAnswer[]> {
  const loaded = await communityFromDatabase(database);
  const window = { ...defaultWindow(loaded.community), sample, seed: 1 };
  const [model] = await givenModels(database, loaded, ["golden"], window.testFrom);
  const replayed = new ReplayedSystem(loaded, { seed: 1, scoreWeights: [1, 1, 1], config: defaultConfig });
  replayed.serve(await model.load(loaded.community, { onProgress: () => undefined }));
  const system = new System(replayed, "golden");
  const results = await runReplay(loaded.community, window, [system]);
  const out = await temporaryFolder(scope);
  const names = { primary: system.name, baseline: system.name };
  await writeReplay(out, loaded.community, window, results, names);
  const lines = (await readFile(join(out, "rankings.ndjson"), "utf8")).trimEnd().split("\n");
  // the event, then its list, a post a line
  return lines.map((line) => {
    const { top, ...event } = JSON.parse(line);
    return { ranking: [JSON.stringify(event), ...top] };
  });
}

/**
 * What diversity and author decay do to the pages of a replay: `npm run bench -- selection --data FOLDER
 * [--test-from 2017-04-01] [--sample 500] [--seed 1]`. One training, one replay; the same candidates for every setting.
 */
import { parseArgs } from "node:util";
import { UserError } from "../db/user-error.ts";
import { startBackend } from "../trainer/engine/backend.ts";
import { evaluateSelections } from "../trainer/evaluation/selection.ts";
import { loadCommunity } from "./shared/place.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    "test-from": { type: "string" },
    sample: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
  },
});
if (values.data === undefined) throw new UserError("give --data FOLDER: a community to replay");

const plain = { diversity: 0, author_decay: 1, topic_share: 1 };
const selections = [
  plain,
  ...[0.25, 0.5, 1, 2, 4, 8].map((diversity) => ({ ...plain, diversity })),
  ...[0.9, 0.8, 0.5].map((author_decay) => ({ ...plain, author_decay })),
  ...[0.5, 1, 2, 4].map((diversity) => ({ ...plain, diversity, author_decay: 0.9 })),
];
const seed = Number(values.seed);
const backend = await startBackend();
const { loaded, scoreWeights } = await loadCommunity(values.data);
const { at } = loaded.community.interactions;
const testFrom = values["test-from"] ? Date.parse(values["test-from"]) : at[Math.floor(0.9 * at.length)];
const window = { validFrom: testFrom, testFrom, sample: Number(values.sample), seed };
console.log(
  `pages of 20, ${values.sample} events from ${new Date(testFrom).toISOString()} on, seed ${seed} (${backend})\n`,
);
console.log(await evaluateSelections(loaded, window, selections, { seed, scoreWeights }));

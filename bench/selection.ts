/**
 * What diversity and author decay do to the pages of a replay: `npm run bench -- selection --data FOLDER
 * [--test-from 2017-04-01] [--sample 500] [--seed 1]`. One training, one replay; the same candidates for every setting.
 */
import { UserError } from "../db/user-error.ts";
import { startBackend } from "../trainer/engine/backend.ts";
import { evaluateSelections } from "../trainer/evaluation/selection.ts";
import { loadCommunity, optionsOf } from "./shared/place.ts";

const {
  data,
  "test-from": from,
  sample,
  ...given
} = optionsOf({
  data: "",
  "test-from": "",
  sample: "500",
  seed: "1",
});
if (!data) throw new UserError("give --data FOLDER: a community to replay");

const plain = { diversity: 0, author_decay: 1, topic_share: 1 };
const selections = [
  plain,
  ...[0.25, 0.5, 1, 2, 4, 8].map((diversity) => ({ ...plain, diversity })),
  ...[0.9, 0.8, 0.5].map((author_decay) => ({ ...plain, author_decay })),
  ...[0.5, 1, 2, 4].map((diversity) => ({ ...plain, diversity, author_decay: 0.9 })),
];
const seed = Number(given.seed);
const backend = await startBackend();
const { loaded, scoreWeights } = await loadCommunity(data);
const { at } = loaded.community.interactions;
const testFrom = from ? Date.parse(from) : at[Math.floor(0.9 * at.length)];
const window = { validFrom: testFrom, testFrom, sample: Number(sample), seed };
console.log(`pages of 20, ${sample} events from ${new Date(testFrom).toISOString()} on, seed ${seed} (${backend})\n`);
console.log(await evaluateSelections(loaded, window, selections, { seed, scoreWeights }));

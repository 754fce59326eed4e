/** The towers' examples: hashed text of all users and posts, and the positives with the history that each one's user had. */
import { dimensions, historyDecay, historyLength } from "../../supabase/functions/_shared/features/history.ts";
import { vectorInputs } from "../../supabase/functions/_shared/features/text-vector.ts";
import { postFields, userFields } from "../../supabase/functions/_shared/features/tokens.ts";
import { postNumbers } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import type { Community } from "../data/replay/community.ts";
import type { Matrix } from "../models/nn/dense.ts";
import { examplesOfTowers } from "../models/towers/examples.ts";
import { logSamplingChance } from "../models/towers/loss.ts";
import type { TowerData, Towers } from "../models/towers/model.ts";
import { positivesBefore } from "../models/towers/positives.ts";
import { batchOf, type TowerOptions } from "../models/towers/train.ts";
import { type ExampleFiles, eachOf, writeRowGroups } from "./row-groups.ts";
import { type StageIdentity, type StageName, writeStage } from "./stage.ts";
import { shapesOf, weightsOfTowers } from "./weights.ts";

/** Rows of a row group: a worker takes the groups of its number, so there are many of them. */
const perGroup = { users: 10_000, posts: 10_000, pairs: 512 };

interface TowerStage {
  name: StageName;
  identity: StageIdentity;
  options: TowerOptions;
  /** What the weights start from: towers by the name of their file, or the weights that an earlier stage left. */
  starts: Record<string, Towers> | { from: string };
  /** Towers of the community's size: the contract of the weights. */
  towers: Towers;
}

/** Writes a stage of the towers' training. */
export async function writeTowerStage(
  files: ExampleFiles,
  community: Community,
  data: TowerData,
  { name, identity, options, starts, towers }: TowerStage,
): Promise<void> {
  const { users, posts } = community;
  const { histories = "before", until, uniformNegatives } = options;
  const positives = positivesBefore(community, until, options.mostPositives);
  const { trainable, share, historyOf, followedOf } = examplesOfTowers(community, positives, { until, histories });
  const batch = Math.min(positives.at.length, batchOf(positives.at.length, options));
  const isTrainable = new Uint8Array(posts.ids.length);
  for (const post of trainable) isTrainable[post] = 1;
  const logQ = logSamplingChance([...posts.ids.keys()], share, trainable.length, batch, uniformNegatives);
  await writeRowGroups(
    files,
    `${name}/users`,
    {
      number: "int",
      user_id: "text",
      tokens: "int[]",
      weights: "real[]",
      fields: "int[]",
      followed: "int[]",
      vector: "real[]",
    },
    { rows: users.ids.length, perGroup: perGroup.users },
    (from, to) => ({
      number: eachOf(from, to, (user) => user),
      user_id: users.ids.slice(from, to),
      ...tokenColumns(data.userBags, from, to),
      followed: eachOf(from, to, followedOf),
      vector: eachOf(from, to, (user) => [...(users.vectors?.[user] ?? [])]),
    }),
  );
  await writeRowGroups(
    files,
    `${name}/posts`,
    {
      number: "int",
      post_id: "text",
      tokens: "int[]",
      weights: "real[]",
      fields: "int[]",
      numbers: "real[]",
      vector: "real[]",
      trainable: "int",
      log_q: "real",
    },
    { rows: posts.ids.length, perGroup: perGroup.posts },
    (from, to) => ({
      number: eachOf(from, to, (post) => post),
      post_id: posts.ids.slice(from, to),
      ...tokenColumns(data.postBags, from, to),
      numbers: eachOf(from, to, (post) => [
        ...data.postNumbers.subarray(post * postNumbers.length, (post + 1) * postNumbers.length),
      ]),
      vector: eachOf(from, to, (post) => [...(posts.vectors?.[post] ?? [])]),
      trainable: eachOf(from, to, (post) => isTrainable[post]),
      log_q: logQ.subarray(from, to),
    }),
  );
  await writeRowGroups(
    files,
    `${name}/pairs`,
    { user: "int", post: "int", at: "double", history: "int[]" },
    { rows: positives.at.length, perGroup: perGroup.pairs },
    (from, to) => ({
      user: positives.users.subarray(from, to),
      post: positives.posts.subarray(from, to),
      at: positives.at.subarray(from, to),
      history: eachOf(from, to, historyOf),
    }),
  );
  const first = "from" in starts ? {} : (starts as Record<string, Towers>);
  const weights = Object.entries(first).map(([start, each]) => [start, thatAreNotZero(weightsOfTowers(each))]);
  await writeStage(files, name, Object.fromEntries(weights), {
    kind: "towers",
    identity,
    weights: shapesOf(weightsOfTowers(towers)),
    ...("from" in starts ? starts : { starts: Object.keys(first) }),
    counts: { users: users.ids.length, posts: posts.ids.length, pairs: positives.at.length, per_group: perGroup.pairs },
    inputs: {
      dimensions,
      user_fields: userFields.length,
      post_fields: postFields.length,
      text_vector: vectorInputs,
      history_length: historyLength,
      history_decay: historyDecay,
    },
    options: {
      seed: options.seed,
      epochs: options.epochs ?? options.epochsOf[histories],
      batch,
      uniform_negatives: uniformNegatives,
      temperature: options.temperature,
      sampling_correction: options.samplingCorrection,
      learning_rate: options.learningRate,
      final_learning_rate: options.finalLearningRate,
      token_dropout: options.tokenDropout,
      id_embedding_dropout: options.idEmbeddingDropout,
      vector_dropout: options.vectorDropout,
      cold_users: options.coldUsers,
      vector_learning_rate: options.vectorLearningRate,
      vectorless: options.vectorless,
    },
  });
}

/**
 * ID embeddings mostly start at zero, and there is one for each user and post: readers of the file know their shape.
 */
function thatAreNotZero(weights: Record<string, Matrix>): Record<string, Matrix> {
  return Object.fromEntries(Object.entries(weights).filter(([, { values }]) => values.some((value) => value !== 0)));
}

function tokenColumns(bags: TowerData["userBags"], from: number, to: number) {
  const rows = eachOf(from, to, (row) => bags.tokensOf(row));
  return {
    tokens: rows.map(({ ids }) => ids),
    weights: rows.map(({ weights }) => weights),
    fields: rows.map(({ fields }) => fields),
  };
}

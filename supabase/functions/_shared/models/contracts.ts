/**
 * What the three graphs of a model take and give. Export builds its graphs from these declarations, and publish holds the
 * files against them; every load holds the names: a graph with other inputs cannot be fed.
 */
import { categories } from "../features/categories.ts";
import { dimensions } from "../features/history.ts";
import { type Head, kinds } from "../features/kinds.ts";
import { pairFeatures, postFeatures, userFeatures } from "../features/ranker-features.ts";
import { vectorInputs } from "../features/text-vector.ts";
import { type Field, postFields, userFields } from "../features/tokens.ts";
import { postNumbers, slots, userNumbers } from "../features/tower-inputs.ts";
import { vectorMatchInputs } from "../features/vector-match.ts";
import type { InferenceSession } from "./inference.ts";

/** What a graph takes and gives: for each name its type and dims, where a string such as "N" stands for a dynamic dim. */
export interface Contract {
  inputs: Record<string, ValueSpecification>;
  outputs: Record<string, ValueSpecification>;
}

export interface ValueSpecification {
  type: "float32" | "int64";
  dims: (number | string)[];
  /** Whether a graph may lack it. */
  optional?: boolean;
}

export const graphNames = ["user_tower", "post_tower", "dlrm"] as const;
export type GraphName = (typeof graphNames)[number];

/** The output of both towers, unit length. */
const embedding = { embedding: { type: "float32", dims: ["N", dimensions] } } satisfies Contract["outputs"];

/** Of both towers, where the community has vectors of its own of posts, and of users. */
const textVector = { type: "float32", dims: ["N", vectorInputs], optional: true } satisfies ValueSpecification;

export const contracts = {
  user_tower: {
    inputs: {
      ...textInputs(userFields, userNumbers),
      history: { type: "float32", dims: ["N", dimensions] },
      followed: { type: "float32", dims: ["N", dimensions] },
      text_vector: textVector,
    },
    outputs: embedding,
  },
  post_tower: {
    inputs: {
      ...textInputs(postFields, postNumbers),
      text_vector: textVector,
    },
    outputs: embedding,
  },
  dlrm: {
    inputs: {
      user: { type: "float32", dims: [1, dimensions] },
      posts: { type: "float32", dims: ["N", dimensions] },
      user_features: { type: "float32", dims: [1, userFeatures.length] },
      post_features: { type: "float32", dims: ["N", postFeatures.length] },
      pair_features: { type: "float32", dims: ["N", pairFeatures.length] },
      categories: { type: "int64", dims: ["N", categories.length] },
      // where the post tower reads vectors of the app's own
      vector_match: { type: "float32", dims: ["N", vectorMatchInputs], optional: true },
    },
    // p(view), p(vote), p(comment); a model with optional heads has more (`contractsOf`)
    outputs: dlrmOutputs(kinds),
  },
} satisfies Record<GraphName, Contract>;

/** The contracts of a model that has these heads. */
export function contractsOf(heads: readonly Head[]): Record<GraphName, Contract> {
  return { ...contracts, dlrm: { ...contracts.dlrm, outputs: dlrmOutputs(heads) } };
}

function dlrmOutputs(heads: readonly Head[]) {
  return {
    probabilities: { type: "float32", dims: ["N", heads.length] },
    // what the score is multiplied by, where kinds have weights (trainer/models/ranker/boost.ts)
    boost: { type: "float32", dims: ["N", 1], optional: true },
  } satisfies Contract["outputs"];
}

function textInputs(fields: Field[], numbers: string[]) {
  return {
    token_ids: { type: "int64", dims: ["N", slots(fields)] },
    token_weights: { type: "float32", dims: ["N", slots(fields)] },
    numbers: { type: "float32", dims: ["N", numbers.length] },
    id_embedding: { type: "float32", dims: ["N", dimensions] },
  } satisfies Contract["inputs"];
}

/** Whether a loaded graph has the inputs and outputs of a contract, by name: the platform's runtime tells no more of them. */
export function matchesContract({ inputNames, outputNames }: InferenceSession, { inputs, outputs }: Contract): boolean {
  const agree = (names: readonly string[], specified: Contract["inputs"]) =>
    names.every((name) => Object.hasOwn(specified, name)) &&
    Object.entries(specified).every(([name, { optional }]) => optional || names.includes(name));
  return agree(inputNames, inputs) && agree(outputNames, outputs);
}

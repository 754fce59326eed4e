/**
 * Inputs and outputs of a model's three graphs. The export builds graphs from these declarations, publishing checks the
 * files against them, and loading checks the names.
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

/** Type and dims of each input and output; a string such as "N" is a dynamic dim. */
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

/** The output of both towers, of unit length. */
const embedding = { embedding: { type: "float32", dims: ["N", dimensions] } } satisfies Contract["outputs"];

/** An input of the towers if the app has vectors of its own: of posts for both towers, of users for the user tower. */
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
      // only if the post tower reads the app's own vectors
      vector_match: { type: "float32", dims: ["N", vectorMatchInputs], optional: true },
    },
    // p(view), p(vote), p(comment); optional heads add more (`contractsOf`)
    outputs: dlrmOutputs(kinds),
  },
} satisfies Record<GraphName, Contract>;

/** The contracts of a model with these heads. */
export function contractsOf(heads: readonly Head[]): Record<GraphName, Contract> {
  return { ...contracts, dlrm: { ...contracts.dlrm, outputs: dlrmOutputs(heads) } };
}

function dlrmOutputs(heads: readonly Head[]) {
  return {
    probabilities: { type: "float32", dims: ["N", heads.length] },
    // factor of the score, if kinds of posts have weights (trainer/models/ranker/boost.ts)
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

/**
 * Whether a loaded graph has the names of a contract's inputs and outputs; the
 * platform's runtime gives no types or dims.
 */
export function matchesContract({ inputNames, outputNames }: InferenceSession, { inputs, outputs }: Contract): boolean {
  const agree = (names: readonly string[], specified: Contract["inputs"]) =>
    names.every((name) => Object.hasOwn(specified, name)) &&
    Object.entries(specified).every(([name, { optional }]) => optional || names.includes(name));
  return agree(inputNames, inputs) && agree(outputNames, outputs);
}

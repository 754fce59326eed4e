/** The two towers as ONNX graphs: the same equations as towers/network.ts, with text still as token ids. */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { type Field, postFields, tokenRows, userFields } from "../../supabase/functions/_shared/features/tokens.ts";
import { postNumbers, slots, userNumbers } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import type { Contract } from "../../supabase/functions/_shared/models/onnx-executor/contract.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import type { Towers } from "../towers/model.ts";

/** Inputs token_ids and token_weights [N, L], history [N, 32], numbers [N, 2], id_embedding [N, 32]; output embedding [N, 32]. */
export function userTowerGraph(towers: Towers): Uint8Array {
  const g = new GraphBuilder("user_tower");
  const { fields, numbers, id_embedding } = textInputs(g, towers, userFields, userNumbers.length);
  const history = g.input("history", "float32", ["N", dimensions]);
  const seen = g.matMul(
    history,
    g.weights(towers.dense.values("user/history"), [dimensions, dimensions], "user/history"),
  );
  const learned = mlp(g, towers, "user", g.concat([fields, history, numbers], 1));
  const sum = g.add(g.add(g.add(mix(g, towers, "user", userFields, fields), learned), id_embedding), seen);
  g.output("embedding", g.l2Normalise(sum), ["N", dimensions]);
  return g.build();
}

/** Inputs token_ids and token_weights [N, L], numbers [N, 3], id_embedding [N, 32]; output embedding [N, 32]. */
export function postTowerGraph(towers: Towers): Uint8Array {
  const g = new GraphBuilder("post_tower");
  const { fields, numbers, id_embedding } = textInputs(g, towers, postFields, postNumbers.length);
  const learned = mlp(g, towers, "post", g.concat([fields, numbers], 1));
  const sum = g.add(g.add(mix(g, towers, "post", postFields, fields), learned), id_embedding);
  g.output("embedding", g.l2Normalise(sum), ["N", dimensions]);
  return g.build();
}

/** What a user tower takes and gives. */
export const userTowerContract: Contract = {
  inputs: { ...textContract(userFields, userNumbers.length), history: { type: "float32", dims: ["N", dimensions] } },
  outputs: { embedding: { type: "float32", dims: ["N", dimensions] } },
};

/** What a post tower takes and gives. */
export const postTowerContract: Contract = {
  inputs: textContract(postFields, postNumbers.length),
  outputs: { embedding: { type: "float32", dims: ["N", dimensions] } },
};

function textContract(fields: Field[], numbers: number): Contract["inputs"] {
  return {
    token_ids: { type: "int64", dims: ["N", slots(fields)] },
    token_weights: { type: "float32", dims: ["N", slots(fields)] },
    numbers: { type: "float32", dims: ["N", numbers] },
    id_embedding: { type: "float32", dims: ["N", dimensions] },
  };
}

function textInputs(g: GraphBuilder, towers: Towers, fields: Field[], numberCount: number) {
  const ids = g.input("token_ids", "int64", ["N", slots(fields)]);
  const weights = g.input("token_weights", "float32", ["N", slots(fields)]);
  const numbers = g.input("numbers", "float32", ["N", numberCount]);
  const id_embedding = g.input("id_embedding", "float32", ["N", dimensions]);
  const table = g.weights(towers.tokens.weights.values, [tokenRows, dimensions], "tokens");
  const lengths = fields.map((field) => field.slots);
  return { fields: g.fieldBags(table, ids, weights, lengths), numbers, id_embedding };
}

/** Σ_f a_f · field_f, [N, 32]. */
function mix(g: GraphBuilder, towers: Towers, name: string, fields: Field[], values: string): string {
  const weights = g.weights(towers.dense.values(`${name}/mix`), [1, fields.length, 1], `${name}/mix`);
  return g.sum(g.multiply(g.reshape(values, [0, fields.length, dimensions]), weights), [1]);
}

function mlp(g: GraphBuilder, towers: Towers, name: string, x: string): string {
  const layer = (part: string, input: string) =>
    g.dense(input, towers.dense.values(`${name}/${part}/weight`), towers.dense.values(`${name}/${part}/bias`));
  return layer("output", g.relu(layer("hidden", x)));
}

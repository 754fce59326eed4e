/** The two towers as ONNX graphs: the same equations as towers/network.ts, with text still as token ids. */
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { vectorInputs } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { type Field, postFields, userFields } from "../../../supabase/functions/_shared/features/tokens.ts";
import { logHistoryLength } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { contracts } from "../../../supabase/functions/_shared/models/contracts.ts";
import type { Towers } from "../../models/towers/model.ts";
import { readsVectors, type VectorsRead } from "../../models/towers/network.ts";
import { GraphBuilder } from "./graph-builder.ts";

/** The graph under `contracts.user_tower`; it takes `text_vector` where the towers read vectors of users. */
export function userTowerGraph(towers: Towers): Uint8Array {
  const g = new GraphBuilder("user_tower");
  const { token_ids, token_weights, numbers, id_embedding, history, followed } = g.inputsOf(contracts.user_tower);
  const vector = vectorInput(g, towers, "users");
  const fields = fieldBags(g, towers, userFields, token_ids, token_weights);
  const known = g.multiply(history, historyTrust(g, towers, numbers));
  const seen = g.matMul(
    known,
    g.weights(towers.dense.values("user/history"), [dimensions, dimensions], "user/history"),
  );
  const near = g.matMul(
    followed,
    g.weights(towers.dense.values("user/followed"), [dimensions, dimensions], "user/followed"),
  );
  const learned = mlp(g, towers, "user", g.concat([fields, known, numbers, ...vector], 1));
  const text = g.add(g.add(mix(g, towers, "user", userFields, fields), learned), id_embedding);
  const parts = [g.add(seen, near), ...vector.map((each) => g.matMul(each, vectorWeights(g, towers, "user")))];
  const sum = parts.reduce((sum, part) => g.add(sum, part), text);
  g.output("embedding", g.l2Normalise(sum), contracts.user_tower.outputs.embedding.dims);
  return g.build();
}

/** What a history weighs, [N, 1]. */
function historyTrust(g: GraphBuilder, { dense }: Towers, numbers: string): string {
  const length = g.subtract(g.exp(g.slice(numbers, 1, logHistoryLength, logHistoryLength + 1)), g.scalar(1));
  const prior = g.exp(g.weights(dense.values("user/history_prior"), [1], "user/history_prior"));
  return g.divide(length, g.add(length, prior));
}

/** The graph under `contracts.post_tower`; it takes `text_vector` where the towers read vectors of posts. */
export function postTowerGraph(towers: Towers): Uint8Array {
  const g = new GraphBuilder("post_tower");
  const { token_ids, token_weights, numbers, id_embedding } = g.inputsOf(contracts.post_tower);
  const vector = vectorInput(g, towers, "posts");
  const fields = fieldBags(g, towers, postFields, token_ids, token_weights);
  const learned = mlp(g, towers, "post", g.concat([fields, numbers, ...vector], 1));
  const parts = [learned, id_embedding, ...vector.map((each) => g.matMul(each, vectorWeights(g, towers, "post")))];
  const sum = parts.reduce((sum, part) => g.add(sum, part), mix(g, towers, "post", postFields, fields));
  g.output("embedding", g.l2Normalise(sum), contracts.post_tower.outputs.embedding.dims);
  return g.build();
}

/** The input with a vector of the app's own, where the tower reads any. */
function vectorInput(g: GraphBuilder, { dense }: Towers, side: keyof VectorsRead): string[] {
  const { type, dims } = contracts.post_tower.inputs.text_vector;
  return readsVectors(dense)[side] ? [g.input("text_vector", type, dims)] : [];
}

function vectorWeights(g: GraphBuilder, { dense }: Towers, name: "user" | "post"): string {
  return g.weights(dense.values(`${name}/vector`), [vectorInputs, dimensions], `${name}/vector`);
}

/** The text as one vector per field, [N, fields · 32]. */
function fieldBags(g: GraphBuilder, towers: Towers, fields: Field[], ids: string, weights: string): string {
  const table = g.weights(towers.tokens.weights.values, [towers.tokens.rows, dimensions], "tokens");
  return g.fieldBags(
    table,
    ids,
    weights,
    fields.map(({ slots }) => slots),
  );
}

/** Σ_f a_f · field_f, [N, 32]. */
function mix(g: GraphBuilder, towers: Towers, name: string, fields: Field[], values: string): string {
  const weights = g.weights(towers.dense.values(`${name}/mix`), [1, fields.length, 1], `${name}/mix`);
  return g.sum(g.multiply(g.reshape(values, [0, fields.length, dimensions]), weights), [1]);
}

function mlp(g: GraphBuilder, towers: Towers, name: string, x: string): string {
  const values = (weights: string) => towers.dense.values(`${name}/${weights}`);
  const layer = (part: string, input: string) =>
    g.dense(input, values(`${part}/weight`), values(`${part}/bias`), `${name}/${part}`);
  return layer("output", g.relu(layer("hidden", x)));
}

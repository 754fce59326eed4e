/** For tests: towers that read text, untrained. Who uses the words of a post is near it, whatever the words are. */
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { vectorInputs } from "../supabase/functions/_shared/features/text-vector.ts";
import { type Field, postFields, userFields } from "../supabase/functions/_shared/features/tokens.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { GraphBuilder } from "../trainer/artifacts/onnx/graph-builder.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { plusNothing } from "./community.ts";

/**
 * A tower is the sum of its words' random vectors and of id_embedding; the user's has a tenth of the history and of the followed too, or `ofHistory` times, and where `ofVector` is not zero so many times
 * the first 32 components of the user's own vector.
 */
export function wordTowers(
  seed = 1,
  ofHistory = 0.1,
  ofVector = 0,
  rows = fewRows,
): { user_tower: Uint8Array; post_tower: Uint8Array } {
  const name = `${seed} ${ofHistory} ${ofVector} ${rows}`;
  const known = built.get(name) ?? build(seed, ofHistory, ofVector, rows);
  built.set(name, known);
  return known;
}

/** An eighth of what a trained tower has: its table is most of a model, which is written, read and loaded again and again. */
export const fewRows = 2048;

const built = new Map<string, ReturnType<typeof build>>();

function build(seed: number, ofHistory: number, ofVector: number, rows: number) {
  const random = new Random(seed);
  const table = Float32Array.from({ length: rows * dimensions }, () => random.normal());
  const post = new GraphBuilder("post_tower");
  const { token_ids, token_weights, id_embedding, ...numbers } = post.inputsOf(contracts.post_tower);
  const ofPost = post.add(words(post, table, postFields, token_ids, token_weights), id_embedding);
  post.output("embedding", post.l2Normalise(plusNothing(post, ofPost, numbers)), ["N", dimensions]);
  const user = new GraphBuilder("user_tower");
  const { history, followed, ...rest } = user.inputsOf(contracts.user_tower);
  const ofUser = user.add(
    user.add(words(user, table, userFields, rest.token_ids, rest.token_weights), rest.id_embedding),
    // a user without words and history is somewhere too
    user.add(user.multiply(user.add(history, followed), user.scalar(ofHistory)), user.scalar(0.01)),
  );
  const said = ofVector === 0 ? ofUser : user.add(ofUser, components(user, ofVector));
  user.output("embedding", user.l2Normalise(plusNothing(user, said, { numbers: rest.numbers })), ["N", dimensions]);
  return { user_tower: user.build(), post_tower: post.build() };
}

function components(g: GraphBuilder, times: number): string {
  const { type, dims } = contracts.user_tower.inputs.text_vector;
  const scaled = Float32Array.from({ length: vectorInputs * dimensions }, (_, i) =>
    Math.floor(i / dimensions) === i % dimensions ? times : 0,
  );
  return g.matMul(g.input("text_vector", type, dims), g.weights(scaled, [vectorInputs, dimensions], "vector"));
}

function words(g: GraphBuilder, table: Float32Array, fields: Field[], ids: string, weights: string): string {
  const lengths = fields.map(({ slots }) => slots);
  const bags = g.fieldBags(g.weights(table, [table.length / dimensions, dimensions], "tokens"), ids, weights, lengths);
  return g.sum(g.reshape(bags, [0, fields.length, dimensions]), [1]);
}

/** Embeds users with the user tower, for serving and evaluation. */
import { dimensions } from "../features/history.ts";
import { type UserInput, userTowerInputs } from "../features/tower-inputs.ts";
import { modelCorruptError } from "../models/models.ts";
import { numbersOf, runGraph, type WithGraph } from "../models/run-graph.ts";

/** The user's vector [32], of unit length. */
export async function embedUser(model: WithGraph<"user_tower">, user: UserInput): Promise<Float32Array> {
  const vector = await embedUsers(model, [user]);
  if (!vector.every(Number.isFinite)) throw modelCorruptError(model, "user_tower", "does not give finite numbers");
  return vector;
}

/** The vectors of N ≥ 1 users, [N, 32]. The caller has to skip those that are not finite. */
export async function embedUsers(model: WithGraph<"user_tower">, users: UserInput[]): Promise<Float32Array> {
  const { embedding } = await runGraph(model, "user_tower", userTowerInputs(users, model.graphs.user_tower));
  return numbersOf(model, "user_tower", embedding, users.length * dimensions);
}

/** Vectors of all posts, and of users with a given history, from the towers as they stand. */
import * as tf from "@tensorflow/tfjs-core";
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import { toTensors } from "../engine/dense.ts";
import { poolHistories, postInputs, type TowerData, type Towers, userInputs } from "./model.ts";
import { postTower, type TowerInputs, userTower } from "./network.ts";

const chunk = 2048;

/** Vectors of posts 0 to n − 1, [n, 32]. */
export function embedPosts(towers: Towers, data: TowerData, n: number): Float32Array {
  return inChunks(n, (rows) =>
    tf.tidy(() => {
      const inputs = toTensors(postInputs(towers, data, rows)) as unknown as TowerInputs;
      return postTower(toTensors(towers.dense.matrices()), inputs).dataSync() as Float32Array;
    }),
  );
}

/** Vectors of users 0 to n − 1, each with their history (post numbers, latest first), [n, 32]. */
export function embedUsers(
  towers: Towers,
  data: TowerData,
  n: number,
  historyOf: (user: number) => number[],
  postVectors: Float32Array,
): Float32Array {
  return inChunks(n, (rows) =>
    tf.tidy(() => {
      const histories = Array.from(rows, historyOf);
      const counts = histories.map((history) => history.length);
      const inputs = toTensors(userInputs(towers, data, rows, poolHistories(histories, postVectors), counts));
      const withHistory = inputs as unknown as TowerInputs & { history: tf.Tensor };
      return userTower(toTensors(towers.dense.matrices()), withHistory).dataSync() as Float32Array;
    }),
  );
}

function inChunks(n: number, embed: (rows: Int32Array) => Float32Array): Float32Array {
  const out = new Float32Array(n * dimensions);
  for (let start = 0; start < n; start += chunk) {
    const rows = Int32Array.from({ length: Math.min(chunk, n - start) }, (_, i) => start + i);
    out.set(embed(rows), start * dimensions);
  }
  return out;
}

/** Vectors of posts, and of users at a moment, from the towers as they stand. */
import type * as tf from "@tensorflow/tfjs-core";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { forward } from "../nn/dense.ts";
import { meanVectorsOf, poolHistories, postInputs, type TowerData, type Towers, userInputs } from "./model.ts";
import { postTower, type TowerInputs, userTower } from "./network.ts";

const chunk = 2048;

/** Vectors of posts 0 to n − 1, [n, 32]. */
export function embedPosts(towers: Towers, data: TowerData, n: number): Float32Array {
  return inChunks(n, (rows) =>
    forward({ ...towers.dense.matrices(), ...postInputs(towers, data, rows) }, (t) =>
      postTower(t, t as unknown as TowerInputs),
    ),
  );
}

/** A user as they were at some moment: their number, and the posts of their history, latest first. */
export interface UserMoment {
  user: number;
  history: number[];
  /** `Histories.followed`; left out: none. */
  followed?: number[];
  /** As if the user had just come: without their ID embedding. */
  isNew?: boolean;
}

/** Vectors of users at some moments, [moments, 32]. */
export function embedUsersAt(
  towers: Towers,
  data: TowerData,
  moments: UserMoment[],
  postVectors: Float32Array,
): Float32Array {
  return inChunks(moments.length, (rows) => {
    const chosen = Array.from(rows, (row) => moments[row]);
    const inputs = userInputs(
      towers,
      data,
      chosen.map(({ user }) => user),
      poolHistories(
        chosen.map(({ history }) => history),
        postVectors,
      ),
      meanVectorsOf(
        chosen.map(({ followed = [] }) => followed),
        postVectors,
      ),
      chosen.map(({ history }) => history.length),
    );
    for (const [i, { isNew }] of chosen.entries())
      if (isNew) inputs.id_embedding.values.fill(0, i * dimensions, (i + 1) * dimensions);
    return forward({ ...towers.dense.matrices(), ...inputs }, (t) =>
      userTower(t, t as unknown as TowerInputs & { history: tf.Tensor; followed: tf.Tensor }),
    );
  });
}

function inChunks(n: number, embed: (rows: Int32Array) => Float32Array): Float32Array {
  const out = new Float32Array(n * dimensions);
  for (let start = 0; start < n; start += chunk) {
    const rows = Int32Array.from({ length: Math.min(chunk, n - start) }, (_, i) => start + i);
    out.set(embed(rows), start * dimensions);
  }
  return out;
}

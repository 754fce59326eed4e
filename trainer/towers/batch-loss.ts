/** The loss of a batch of the two towers, with its gradients by everything that is learned. */
import type * as tf from "@tensorflow/tfjs-core";
import { type LossAndGradients, lossAndGradients, type Matrix } from "../engine/dense.ts";
import { sampledSoftmax } from "./loss.ts";
import type { Towers } from "./model.ts";
import { postTower, type TowerInputs, userTower } from "./network.ts";

type Named = Record<string, Matrix>;

/** What enters the towers in a step: inputs of users and posts by name, each with the mask of its vectors. */
export interface BatchInputs {
  users: Named;
  posts: Named;
  /** [users, posts], see `corrections`. */
  correction: Matrix;
}

/** The loss and its gradients, by the names of the dense weights and those of the inputs after `u.` and `p.`. */
export function batchLoss(
  towers: Towers,
  { users, posts, correction }: BatchInputs,
  temperature: number,
): LossAndGradients {
  const { history, numbers: userNumbers, mask: userMask, ...userLearned } = users;
  const { numbers: postNumbers, mask: postMask, ...postLearned } = posts;
  return lossAndGradients(
    { ...towers.dense.matrices(), ...prefixed("u", userLearned), ...prefixed("p", postLearned) },
    {
      ...prefixed("u", { history, numbers: userNumbers, mask: userMask }),
      ...prefixed("p", { numbers: postNumbers, mask: postMask }),
      correction,
    },
    (t) =>
      sampledSoftmax(userTower(t, side(t, "u")), postTower(t, side(t, "p")), temperature, t.correction as tf.Tensor2D),
  );
}

function prefixed(prefix: string, matrices: Named): Named {
  return Object.fromEntries(Object.entries(matrices).map(([name, matrix]) => [`${prefix}.${name}`, matrix]));
}

function side(t: Record<string, tf.Tensor>, prefix: string): TowerInputs & { history: tf.Tensor } {
  return {
    fields: t[`${prefix}.fields`],
    numbers: t[`${prefix}.numbers`],
    id_embedding: t[`${prefix}.id_embedding`],
    mask: t[`${prefix}.mask`],
    history: t[`${prefix}.history`],
  };
}

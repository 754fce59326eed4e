/** Gradient-based one-side sampling (Ke et al. 2017): a tree sees all rows that are badly predicted, and some of the rest. */
import type { Random } from "../../../engine/random.ts";

/** The share of the rows with the steepest gradients that is kept, and the share of all rows drawn from the others. */
const steepest = 0.1;
const drawn = 0.1;

/** Numbers of the rows to grow a tree on, ascending. Multiplies the drawn ones' gradients and curvatures to stand for all they were drawn from. */
export function sampleRows(gradients: Float64Array, curvatures: Float64Array, random: Random): Uint32Array {
  const step = Math.max(1, Math.floor(gradients.length / 10_000));
  const some = Float64Array.from({ length: Math.floor(gradients.length / step) }, (_, i) =>
    Math.abs(gradients[i * step]),
  ).sort();
  const limit = some[Math.floor((1 - steepest) * some.length)] ?? 0;
  const chance = drawn / (1 - steepest);
  const rows = new Uint32Array(gradients.length);
  let count = 0;
  for (let row = 0; row < gradients.length; row++) {
    if (Math.abs(gradients[row]) < limit) {
      if (random.uniform() >= chance) continue;
      gradients[row] /= chance;
      curvatures[row] /= chance;
    }
    rows[count++] = row;
  }
  return rows.slice(0, count);
}

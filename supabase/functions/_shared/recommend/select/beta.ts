/** A draw from a beta distribution, which is what is known of a chance once some tries came out and others did not. */

/** Gives numbers from 0 up to 1, 1 left out, as Math.random does. */
export type Uniform = () => number;

/** One draw from Beta(a, b); a, b > 0. Of two draws from gamma distributions it is the share of the first. */
export function drawBeta(a: number, b: number, uniform: Uniform): number {
  const x = drawGamma(a, uniform);
  const sum = x + drawGamma(b, uniform);
  // both may be too small for a number where a and b are
  return sum > 0 ? x / sum : 0;
}

/** Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables" (2000): a cubed normal draw, nearly always accepted. Shape a > 0, scale 1. */
function drawGamma(a: number, uniform: Uniform): number {
  if (a < 1) return drawGamma(a + 1, uniform) * (1 - uniform()) ** (1 / a);
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(uniform);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box and Muller (1958). */
function drawNormal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

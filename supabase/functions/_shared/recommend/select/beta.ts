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
    const t = 1 + c * x;
    if (t <= 0) continue;
    const v = t * t * t;
    const u = 1 - uniform();
    // a bound of the second condition that takes no logarithms, and decides 97 of 100
    if (u < 1 - 0.0331 * x ** 4 || Math.log(u) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box and Muller (1958), in the polar form of Marsaglia: a point of the unit disc takes no cosine. */
function drawNormal(uniform: Uniform): number {
  for (;;) {
    const x = 2 * uniform() - 1;
    const y = 2 * uniform() - 1;
    const s = x * x + y * y;
    if (s > 0 && s < 1) return x * Math.sqrt((-2 * Math.log(s)) / s);
  }
}

/** Exponentially decayed counts: unlike counts over a window, they can be aged to any later time without the events. */

/** Half-lives of the feature store's decayed counts, in hours; recsys_engine.half_lives() is the same list. */
export const halfLives = [1, 6, 24, 168, 720];

/** Index of the one-week half-life, the one that popularity uses. */
export const weekHalfLifeIndex = halfLives.indexOf(168);

/** Index of the 30-day half-life, for longer popularity. */
export const monthHalfLifeIndex = halfLives.indexOf(720);

/** A count after the time `elapsed`; half-life and time in the same unit. */
export function decay(count: number, elapsed: number, halfLife: number): number {
  return count * 0.5 ** (elapsed / halfLife);
}

/** Exponentially decayed counts: unlike counts over a window they can be aged to any later instant without the events. */

/** Half-lives of the feature store's recent counts, in hours; recsys_engine.half_lives() is the same list. */
export const halfLives = [1, 6, 24, 168, 720];

/** The number of the one-week half-life among them, by which popularity is counted. */
export const weekHalfLifeIndex = halfLives.indexOf(168);

/** And of the 30-day one, for what stays popular longer. */
export const monthHalfLifeIndex = halfLives.indexOf(720);

/** What is left of a count after a time; half-life and time in the same unit. */
export function decay(count: number, elapsed: number, halfLife: number): number {
  return count * 0.5 ** (elapsed / halfLife);
}

export const hour = 3_600_000;

/** Hours from an instant to another (milliseconds), 0 where it lies behind it. */
export function hoursBetween(since: number, now: number): number {
  return Math.max(0, now - since) / hour;
}

/** log(1 + hours) from an instant to another. */
export function logHours(since: number, now: number): number {
  return Math.log1p(hoursBetween(since, now));
}

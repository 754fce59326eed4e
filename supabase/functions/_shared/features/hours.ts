export const hour = 3_600_000;

/** Hours from one instant to another (milliseconds since 1970), 0 where the second comes first. */
export function hoursBetween(since: number, now: number): number {
  return Math.max(0, now - since) / hour;
}

/** log(1 + hours) from one instant to another. */
export function logHours(since: number, now: number): number {
  return Math.log1p(hoursBetween(since, now));
}

export const hour = 3_600_000;

/** Hours between two times (milliseconds since 1970), or 0 if the second is earlier. */
export function hoursBetween(since: number, now: number): number {
  return Math.max(0, now - since) / hour;
}

/** log(1 + hours) between two times. */
export function logHours(since: number, now: number): number {
  return Math.log1p(hoursBetween(since, now));
}

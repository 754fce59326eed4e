/** Length of a day in milliseconds. */
export const dayLength = 24 * 60 * 60 * 1000;

/** The community ends at a fixed instant, so that the same seed gives the same bytes whenever it is run. */
export const communityEnd = Date.parse("2026-03-01T00:00:00Z");

export function communityStart(days: number): number {
  return communityEnd - days * dayLength;
}

/** The millisecond of the day at which a person with a favourite hour is online. */
export function timeOfDay(hour: number, normalDraw: number): number {
  const time = (((hour + 3 * normalDraw) % 24) + 24) % 24;
  return Math.floor((time / 24) * dayLength);
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const format = new Intl.RelativeTimeFormat("en");

/** How long ago something was, such as "3 hours ago", in the largest unit of which there is a whole one. */
export function sayAge(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  for (const [unit, length] of units) if (seconds >= length) return format.format(-Math.floor(seconds / length), unit);
  return "just now";
}

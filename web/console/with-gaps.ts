import type { Row } from "./console-client.ts";

const dayMilliseconds = 24 * 3600 * 1000;

/**
 * The rows of each series, one a day from the first day of all to the last, with `day` as a Date: of a day that a series has no row of, the
 * value is NaN, across which no line is drawn.
 */
export function withGaps(rows: Row[], by: string): Row[] {
  const dayOf = (row: Row) => Date.parse(`${row.day}`);
  const days = rows.map(dayOf);
  const [first, last] = [Math.min(...days), Math.max(...days)];
  return [...Map.groupBy(rows, (row) => row[by])].flatMap(([name, series]) => {
    const byDay = new Map(series.map((row) => [dayOf(row), row]));
    return Array.from({ length: Math.round((last - first) / dayMilliseconds) + 1 }, (_, n) => {
      const day = first + n * dayMilliseconds;
      return { [by]: name, value: Number.NaN, count: 0, ...byDay.get(day), day: new Date(day) };
    });
  });
}

import { dayLength } from "./calendar.ts";

const halfLife = 2 * dayLength;
const refreshEvery = dayLength / 4;
const chartLength = 60;
const chartWindow = 30 * dayLength;

export type Applause = ReturnType<typeof applauseOf>;

/** Recent applause of each post, and the chart of what is most applauded, drawn up every six hours as such charts are. */
export function applauseOf(createdAt: Float64Array) {
  const counts = new Float64Array(createdAt.length);
  const countedAt = new Float64Array(createdAt.length);
  let chart: number[] = [];
  let chartAt = Number.NEGATIVE_INFINITY;
  /** Votes and comments so far, with a half-life of two days. */
  const applause = (post: number, now: number) => counts[post] * 2 ** (-Math.max(0, now - countedAt[post]) / halfLife);
  return {
    applause,
    applaud(post: number, now: number): void {
      counts[post] = 1 + applause(post, now);
      countedAt[post] = now;
    },
    /** The most applauded of the first `published` posts, best first. */
    chart(published: number, now: number): number[] {
      if (now - chartAt < refreshEvery) return chart;
      const candidates: { post: number; applause: number }[] = [];
      for (let post = published - 1; post >= 0 && now - createdAt[post] < chartWindow; post--)
        candidates.push({ post, applause: applause(post, now) });
      candidates.sort((a, b) => b.applause - a.applause);
      chart = candidates.slice(0, chartLength).map(({ post }) => post);
      chartAt = now;
      return chart;
    },
  };
}

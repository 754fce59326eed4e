/** Progress of the first training, shown on the feed page. */
import type { OnProgress } from "../../db/progress.ts";

/** Steps in order, with their approximate seconds for the synthetic community. A step listed twice in a row runs twice. */
const steps: [step: string, seconds: number][] = [
  ["import logins", 1],
  ["import impressions", 1.5],
  ["import follows", 0.5],
  ["roll up the feature store", 8],
  ["reading the timeline", 3],
  ["two-tower training", 6],
  ["two-tower training", 6],
  ["ranking examples", 7],
  ["DLRM training", 3],
  ["two-tower training", 2],
  ["judging the model", 2],
  ["embedding posts", 0.5],
  ["building the index", 1],
];
const whole = steps.reduce((sum, [, seconds]) => sum + seconds, 0);

/** Returns a function that maps a progress event to the completed share, from 0 to 1. The share never decreases. */
export function trainingShare(): (progress: Parameters<OnProgress>[0]) => number {
  let [place, before, latest] = [0, 0, 0];
  return ({ step, done, total = done }) => {
    const isAnew = done < before && steps[place][0] === step && steps[place + 1]?.[0] === step;
    const found = steps.findIndex(([name], i) => i >= place + (isAnew ? 1 : 0) && name === step);
    // other steps take no time
    if (found < 0) return latest;
    [place, before] = [found, done];
    const earlier = steps.slice(0, place).reduce((sum, [, seconds]) => sum + seconds, 0);
    latest = Math.max(latest, (earlier + (steps[place][1] * done) / Math.max(1, total)) / whole);
    return latest;
  };
}

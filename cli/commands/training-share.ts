/** How much of a first training is done, for who waits for it. */
import type { OnProgress } from "../../db/progress.ts";

/** The steps in their order, with about the seconds that each takes of the synthetic community's. One that comes twice in a row is begun anew. */
const steps: [step: string, seconds: number][] = [
  ["import logins", 1],
  ["import impressions", 1.5],
  ["import follows", 0.5],
  ["roll up the feature store", 5],
  ["reading the timeline", 3],
  ["two-tower training", 6],
  ["two-tower training", 6],
  ["ranking examples", 12],
  ["DLRM training", 12],
  ["two-tower training", 2],
  ["judging the model", 2],
  ["embedding posts", 0.5],
  ["building the index", 1],
];
const whole = steps.reduce((sum, [, seconds]) => sum + seconds, 0);

/** Told of each progress, it gives the share that is done, which never falls. */
export function trainingShare(): (progress: Parameters<OnProgress>[0]) => number {
  let [place, before, latest] = [0, 0, 0];
  return ({ step, done, total = done }) => {
    const isAnew = done < before && steps[place][0] === step && steps[place + 1]?.[0] === step;
    const found = steps.findIndex(([name], i) => i >= place + (isAnew ? 1 : 0) && name === step);
    // what is not among them takes no time
    if (found < 0) return latest;
    [place, before] = [found, done];
    const earlier = steps.slice(0, place).reduce((sum, [, seconds]) => sum + seconds, 0);
    latest = Math.max(latest, (earlier + (steps[place][1] * done) / Math.max(1, total)) / whole);
    return latest;
  };
}

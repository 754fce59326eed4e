/** The report of a trial, for a developer who decides whether to install. */
import { replayMetrics } from "../../trainer/evaluation/metrics/list-metrics.ts";
import type { Estimate } from "../../trainer/evaluation/metrics/statistics.ts";
import type { ReplayResult } from "../../trainer/evaluation/protocols/replay.ts";
import { shareCell, signedCell, table } from "../../trainer/evaluation/report/table.ts";
import type { AppReplay, DraftedApp } from "./replay-app.ts";

const count = (value: number) => value.toLocaleString("en");
const day = (at: number) => new Date(at).toISOString().slice(0, 10);
const cell = ({ mean, error }: Estimate) => `${shareCell(mean)} ± ${shareCell(error)}`;

/** Paragraphs of plain text: the history, the table, the verdict, what was left out, what the draft is unsure of. */
export function tryReport(found: AppReplay, { coverage, unsure }: Pick<DraftedApp, "coverage" | "unsure">): string {
  const { results, people, posts, interactions, visits, testFrom, until, order, copied } = found;
  const rows = results.map(({ name, metrics: { all } }) => [name, cell(all["recall@20"]), cell(all.mrr)]);
  const left = copied.filter(({ leftOut }) => leftOut > 0);
  return [
    `${count(interactions)} interactions of ${count(people)} people with ${count(posts)} posts. Replayed: ${count(results[0].events.length)} of ${count(visits)} first visits to a post from ${day(testFrom)} to ${day(until)}, by a model of the time before.`,
    table(["order", "recall@20", "MRR"], rows),
    "recall@20: of so many visits the post was among the first 20 that the person would have been shown (± standard error).",
    verdictOf(results),
    ...(order
      ? [
          `The app's own order: ${order.sql}, ${order.isAsOf ? "as of each visit" : "as it is today. It knows what happened after each visit, so its figure is too high (--order with :at is as of each visit)"}.`,
        ]
      : [
          "The app's own order is not known: posts are in several tables, or no column of theirs holds a score, which --order names.",
        ]),
    ...left.map(
      ({ name, rows, leftOut }) =>
        `Of ${name} the newest ${count(rows)} rows were read, and about ${count(leftOut)} older ones left out.`,
    ),
    `The draft, ${coverage.summary}. ${unsure.length === 0 ? "It is unsure of nothing." : `It is unsure of:\n${unsure.map((line) => `  ${line}`).join("\n")}`}`,
  ].join("\n\n");
}

/** One sentence: the feed compared with the best other order, over the same visits. */
function verdictOf([feed, ...others]: ReplayResult[]): string {
  const recall = ({ metrics }: ReplayResult) => metrics.all["recall@20"].mean;
  const best = others.reduce((one, other) => (recall(other) > recall(one) ? other : one));
  const { mean, error } = replayMetrics(feed.events, best.events).all["recall@20"];
  const difference = `${signedCell(mean)} ± ${shareCell(error)}`;
  if (Math.abs(mean) < 2 * error || mean === 0)
    return `${feed.events.length} visits show no difference from the best other order (${best.name}): recall@20 ${difference}.`;
  return `The feed finds ${mean > 0 ? "more" : "less"} than the best other order (${best.name}): recall@20 ${difference}.`;
}

/** What the ranker said of every candidate of every replayed event, with what then happened: the rows of its metrics. */
import { kinds } from "../community/community.ts";
import type { Request } from "../dlrm/examples.ts";
import { auc, calibration, gauc, logLoss, normalisedEntropy } from "./classification-metrics.ts";
import { share, table } from "./table.ts";

/** The candidates of one event. */
export interface RankedList {
  posts: Int32Array;
  /** [candidates, 3] */
  probabilities: Float32Array;
  /** What else can be ranked by: a score per candidate, by name. */
  scores: Record<string, Float32Array>;
}

export interface HeadMetrics {
  head: string;
  by: string;
  rows: number;
  positives: number;
  auc: number;
  gauc: number;
  /** Of probabilities only; NaN for other scores. */
  logLoss: number;
  normalisedEntropy: number;
  calibration: number;
}

/** Metrics per head on the lists of some requests (in the same order), beside the other scores on the same rows. */
export function rankerMetrics(lists: RankedList[], requests: Request[]): HeadMetrics[] {
  const groups = lists.flatMap(({ posts }, list) => Array<number>(posts.length).fill(list));
  return kinds.flatMap((head, h) => {
    const labels = lists.flatMap(({ posts }, i) =>
      Array.from(posts, (post) => (post === requests[i].post ? requests[i].labels[h] : 0)),
    );
    const positives = labels.reduce((sum, label) => sum + label, 0);
    if (positives === 0) return [];
    const base = { head, rows: labels.length, positives };
    const probabilities = lists.flatMap((list) => Array.from(list.posts, (_, i) => list.probabilities[3 * i + h]));
    const rate = Array<number>(labels.length).fill(positives / labels.length);
    const probable = (by: string, p: number[]): HeadMetrics => ({
      ...base,
      by,
      auc: auc(labels, p),
      gauc: gauc(labels, p, groups),
      logLoss: logLoss(labels, p),
      normalisedEntropy: normalisedEntropy(labels, p),
      calibration: calibration(labels, p),
    });
    const others = Object.keys(lists[0].scores).map((by): HeadMetrics => {
      const scores = lists.flatMap((list) => Array.from(list.scores[by]));
      const none = Number.NaN;
      return {
        ...base,
        by,
        auc: auc(labels, scores),
        gauc: gauc(labels, scores, groups),
        logLoss: none,
        normalisedEntropy: none,
        calibration: none,
      };
    });
    return [probable("DLRM", probabilities), ...others, probable("base rate", rate)];
  });
}

/** The metrics for the terminal. */
export function rankerTable(metrics: HeadMetrics[]): string {
  return table(
    ["head", "ranked by", "rows", "positives", "AUC", "GAUC", "log loss", "norm. entropy", "Σp/Σy"],
    metrics.map((m) => [
      m.head,
      m.by,
      String(m.rows),
      String(m.positives),
      share(m.auc),
      share(m.gauc),
      Number.isNaN(m.logLoss) ? "–" : m.logLoss.toFixed(4),
      share(m.normalisedEntropy),
      share(m.calibration),
    ]),
  );
}

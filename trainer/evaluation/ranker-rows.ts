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

/** All rows of a head that anybody ever acted on: labels 0 or 1, the ranker's probabilities, the list of each row. */
export interface HeadRows {
  head: string;
  labels: Float64Array;
  probabilities: Float64Array;
  lists: Int32Array;
}

/** The rows of each head that has a positive; lists and requests in the same order. */
export function headRows(lists: RankedList[], requests: Request[]): HeadRows[] {
  const size = lists.reduce((sum, { posts }) => sum + posts.length, 0);
  const all = kinds.map((head, h) => {
    const rows: HeadRows = {
      head,
      labels: new Float64Array(size),
      probabilities: new Float64Array(size),
      lists: new Int32Array(size),
    };
    let at = 0;
    for (const [list, { posts, probabilities }] of lists.entries()) {
      for (const [i, post] of posts.entries()) {
        rows.labels[at] = post === requests[list].post ? requests[list].labels[h] : 0;
        rows.probabilities[at] = probabilities[kinds.length * i + h];
        rows.lists[at++] = list;
      }
    }
    return rows;
  });
  return all.filter(({ labels }) => labels.includes(1));
}

/** Metrics per head, beside the other scores on the same rows. */
export function rankerMetrics(lists: RankedList[], requests: Request[]): HeadMetrics[] {
  const names = Object.keys(lists[0]?.scores ?? {});
  const others = names.map((name) => ({ name, scores: concatenated(lists.map(({ scores }) => scores[name])) }));
  return headRows(lists, requests).flatMap(({ head, labels, probabilities, lists: groups }) => {
    const positives = labels.reduce((sum, label) => sum + label, 0);
    const ranked = (by: string, scores: ArrayLike<number>) => ({
      head,
      by,
      rows: labels.length,
      positives,
      auc: auc(labels, scores),
      gauc: gauc(labels, scores, groups),
    });
    const probable = (by: string, p: Float64Array): HeadMetrics => ({
      ...ranked(by, p),
      logLoss: logLoss(labels, p),
      normalisedEntropy: normalisedEntropy(labels, p),
      calibration: calibration(labels, p),
    });
    const none = { logLoss: Number.NaN, normalisedEntropy: Number.NaN, calibration: Number.NaN };
    return [
      probable("DLRM", probabilities),
      ...others.map(({ name, scores }): HeadMetrics => ({ ...ranked(name, scores), ...none })),
      probable("base rate", new Float64Array(labels.length).fill(positives / labels.length)),
    ];
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

function concatenated(parts: Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

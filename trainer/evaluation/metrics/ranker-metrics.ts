/** What the rankers said of every candidate of every list, against what then happened: the rows of their metrics. */
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { auc, calibration, gauc, logLoss, normalisedEntropy } from "./classification-metrics.ts";

/** The candidates of one list, and what rankers said of them. */
export interface RankedList {
  posts: Int32Array;
  /** By name of the ranker, [candidates, 3]: the DLRM's, and those of what it is compared with. */
  probabilities: Record<string, Float32Array>;
  /** What else the candidates can be ranked by: by name, one score per candidate. */
  scores: Record<string, Float32Array>;
}

/** What several rankers said of the same lists, side by side. Throws where the lists are not of the same candidates. */
export function sideBySide(rankers: RankedList[][]): RankedList[] {
  const [first, ...others] = rankers;
  return first.map((list, i) => {
    const all = [list, ...others.map((lists) => lists[i])];
    if (all.some(({ posts }) => posts.length !== list.posts.length || posts.some((post, p) => post !== list.posts[p])))
      throw new Error("The rankers were not asked about the same candidates.");
    return {
      posts: list.posts,
      probabilities: Object.assign({}, ...all.map(({ probabilities }) => probabilities)),
      scores: Object.assign({}, ...all.map(({ scores }) => scores)),
    };
  });
}

/**
 * What models retrieved in common at each event, so that their figures are of the same rows, each with what it said of the post in its own feed; a
 * model that finds more than the others has the lists' measures to show for it. Of the other scores those that do not depend on a model.
 */
export function commonCandidates(models: { name: string; lists: RankedList[] }[], scores: string[]): RankedList[] {
  const [first] = models;
  return first.lists.map((list, i) => {
    const rowsOf = models.map(({ lists }) => new Map(Array.from(lists[i].posts, (post, row) => [post, row])));
    const posts = list.posts.filter((post) => rowsOf.every((rows) => rows.has(post)));
    const columns = (values: Float32Array, rows: Map<number, number>) => {
      const width = values.length / rows.size;
      return Float32Array.from({ length: posts.length * width }, (_, at) => {
        const row = rows.get(posts[Math.floor(at / width)]) as number;
        return values[row * width + (at % width)];
      });
    };
    return {
      posts,
      probabilities: Object.fromEntries(
        models.map(({ name, lists }, m) => [name, columns(lists[i].probabilities.DLRM, rowsOf[m])]),
      ),
      scores: Object.fromEntries(scores.map((name) => [name, columns(list.scores[name], rowsOf[0])])),
    };
  });
}

/**
 * Of some rankers AUC and GAUC alone: a ranker that learned from pages predicts actions on shown posts, and most
 * candidates were not shown.
 */
export function withoutProbabilities(metrics: HeadMetrics[], rankers: string[] = []): HeadMetrics[] {
  const none = { logLoss: Number.NaN, normalisedEntropy: Number.NaN, calibration: Number.NaN };
  return metrics.map((each) => (rankers.includes(each.by) ? { ...each, ...none } : each));
}

/** Why they have no more. */
export function learnedFromPages(rankers: string[] = []): string[] {
  if (rankers.length === 0) return [];
  return [
    `AUC and GAUC alone of ${rankers.join(", ")}: learned from pages, so the probabilities are of posts that are shown, and most candidates were not`,
  ];
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

/** What happened after a list was asked for: the post acted on, and 1 for each kind of action taken. */
export interface ListOutcome {
  post: number;
  labels: ArrayLike<number>;
}

/** All rows of a head: labels 0 or 1, the rankers' probabilities, and the number of each row's list. */
export interface HeadRows {
  head: string;
  labels: Float64Array;
  probabilities: { by: string; values: Float32Array }[];
  lists: Int32Array;
}

/** The rows of each head that has a positive; `outcomes` are those of the lists, in the same order. */
export function headRows(lists: RankedList[], outcomes: ListOutcome[]): HeadRows[] {
  const groups = concatenated(Int32Array, lists, ({ posts }, list) => new Int32Array(posts.length).fill(list));
  const rankers = namesOf(lists.map(({ probabilities }) => probabilities));
  const all = kinds.map((head, h): HeadRows => {
    const label = (post: number, list: number) => (post === outcomes[list].post ? outcomes[list].labels[h] : 0);
    return {
      head,
      labels: concatenated(Float64Array, lists, ({ posts }, list) => posts.map((post) => label(post, list))),
      probabilities: rankers.map((by) => ({
        by,
        values: concatenated(Float32Array, lists, ({ probabilities }) => headOf(probabilities[by], h)),
      })),
      lists: groups,
    };
  });
  return all.filter(({ labels }) => labels.includes(1));
}

/** Metrics per head: of each ranker, of the other scores on the same rows, and of the base rate. */
export function rankerMetrics(lists: RankedList[], heads: HeadRows[]): HeadMetrics[] {
  const others = namesOf(lists.map(({ scores }) => scores)).map((by) => ({
    by,
    values: concatenated(Float32Array, lists, ({ scores }) => scores[by]),
  }));
  return heads.flatMap(({ head, labels, probabilities, lists: groups }) => {
    const positives = labels.reduce((sum, label) => sum + label, 0);
    const ranked = (by: string, scores: ArrayLike<number>) => ({
      head,
      by,
      rows: labels.length,
      positives,
      auc: auc(labels, scores),
      gauc: gauc(labels, scores, groups),
    });
    const probable = (by: string, p: ArrayLike<number>): HeadMetrics => ({
      ...ranked(by, p),
      logLoss: logLoss(labels, p),
      normalisedEntropy: normalisedEntropy(labels, p),
      calibration: calibration(labels, p),
    });
    const none = { logLoss: Number.NaN, normalisedEntropy: Number.NaN, calibration: Number.NaN };
    return [
      ...probabilities.map(({ by, values }) => probable(by, values)),
      ...others.map(({ by, values }): HeadMetrics => ({ ...ranked(by, values), ...none })),
      probable("base rate", new Float64Array(labels.length).fill(positives / labels.length)),
    ];
  });
}

/** The names in any of the records, in the order in which they first appear. */
function namesOf(records: Record<string, unknown>[]): string[] {
  return [...new Set(records.flatMap(Object.keys))];
}

/** One head's column of probabilities [candidates, 3]. */
function headOf(probabilities: Float32Array, head: number): Float32Array {
  const heads = kinds.length;
  return Float32Array.from({ length: probabilities.length / heads }, (_, i) => probabilities[heads * i + head]);
}

/** What each list with candidates gives, end to end. */
function concatenated<Values extends Float32Array | Float64Array | Int32Array>(
  type: new (length: number) => Values,
  lists: RankedList[],
  partOf: (list: RankedList, number: number) => ArrayLike<number>,
): Values {
  const out = new type(lists.reduce((sum, { posts }) => sum + posts.length, 0));
  let at = 0;
  for (const [number, list] of lists.entries()) {
    if (list.posts.length === 0) continue;
    out.set(partOf(list, number), at);
    at += list.posts.length;
  }
  return out;
}

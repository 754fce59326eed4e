/** What the gate says of a model: stored in recsys.models.gate, printed in a few lines. */
import type { Metric } from "./held-out-metrics.ts";

export interface Verdict {
  passed: boolean;
  /** Why it did not pass, a sentence each. */
  reasons: string[];
  /** "kept", or what breaks it. */
  contract: string;
  /** null: the contract is broken, so nothing was run. */
  parity: Parity | null;
  comparison: Comparison | Skipped;
}

/** How far ONNX Runtime is from the trainer on the trainer's own samples. */
export interface Parity {
  /** Posts, users, and candidates of requests. */
  rows: number;
  /** Of a number in a vector or of a probability. */
  largest_difference: number;
  tolerance: number;
}

/** Metrics compared with those of another on the same requests, in which each person counts once. */
export interface Comparison {
  /** A model's name, or `recency baseline`. */
  with: string;
  requests: number;
  /** When the first of them was, ISO 8601. */
  from: string;
  /** recsys.settings.gate_margin */
  margin: number;
  metrics: Partial<Record<Metric, Compared>>;
  /** undefined: too few, or there is no active model. */
  earlier?: Earlier | undefined;
}

/** The model as published compared with the weaker of the active one and the recency baseline, on requests that both models have learned from: what came since has no say in these. */
export interface Earlier {
  with: string;
  requests: number;
  margin: number;
  metrics: Partial<Record<Metric, Omit<Compared, "candidate">>>;
}

export interface Compared {
  /** The model with its towers held back, so that it has learned from none of the requests. */
  candidate: number;
  /** The model as published, whose towers have learned from them. */
  published: number;
  other: number;
  /** How much worse the candidate (of earlier requests, the published) is than the other, paired by request; below 0: it is better. */
  worse: number;
  standard_error: number;
}

export interface Skipped {
  skipped: string;
  earlier?: Earlier | undefined;
}

/** The verdict on a model that passed in one line, or two where models were compared; why another did not is the error of publish. */
export function verdictLines({ passed, parity, comparison }: Verdict): string[] {
  if (!passed) return [];
  const graphs = `the gate lets it pass: ONNX Runtime is within ${parity?.largest_difference.toExponential(0)} of the trainer on ${parity?.rows} rows`;
  if ("skipped" in comparison) return [`${graphs}; ${comparison.skipped}`];
  const metrics = Object.entries(comparison.metrics).map(
    ([name, { candidate, other }]) => `${name} ${candidate.toFixed(3)} (${other.toFixed(3)})`,
  );
  return [
    graphs,
    `on ${comparison.requests} requests it has not learned from (in brackets: ${comparison.with}): ${metrics.join(", ")}`,
  ];
}

/** What a user can do with a post; the DLRM has a head for each, in this order. */
export const kinds = ["view", "vote", "comment"] as const;
export type Kind = (typeof kinds)[number];

/**
 * Heads that a model has after those of `kinds`, in this order, where the data hold enough of them (trainer/models/ranker/optional-heads.ts). In the database
 * a head has a row in recsys_engine.heads, a weight in recsys.settings, and its acts in recsys_engine.optional_head_events: docs/adding-a-head.md.
 */
export const optionalHeadInfo = {
  dismiss: {
    predicted: "That they dismiss it, vote against it or mute what it is of.",
    counted: "whether they dismissed it or voted against it in that time; fewer is better",
  },
  long_view: {
    predicted: "That they view it as long as the operator asks.",
    counted: "whether they viewed it for recsys.settings.long_view_seconds or longer",
  },
} satisfies Record<string, AboutHead>;

interface AboutHead {
  /** What the answer of `recommend` says of its probability. */
  predicted: string;
  /** What the report of an experiment says of it. */
  counted: string;
}

export type OptionalHead = keyof typeof optionalHeadInfo;
export const optionalHeads = Object.keys(optionalHeadInfo) as OptionalHead[];
export type Head = Kind | OptionalHead;

/** All heads that a model may have. */
export const allHeads: readonly Head[] = [...kinds, ...optionalHeads];

/** A number of each head that a model has. */
export type ByHead = Record<Kind, number> & Partial<Record<OptionalHead, number>>;

/** What each head counts in the score; of those that a user would rather not do, below 0. */
export type HeadWeights = Readonly<ByHead>;

/** The weights of a model's heads, in their order. */
export function weightsOf(heads: readonly Head[], weights: HeadWeights): number[] {
  return heads.map((head) => weights[head] ?? 0);
}

/** Whether these are the heads of a model: those of `kinds` and, after them, some of the optional ones, each in its order. */
export function isHeadList(names: readonly unknown[]): names is Head[] {
  const wanted = allHeads.filter((head) => (kinds as readonly unknown[]).includes(head) || names.includes(head));
  return names.length === wanted.length && names.every((name, i) => name === wanted[i]);
}

/** A probability of 32 bits with no more digits than it has. */
export function roundToFloat32(probability: number): number {
  return Number(probability.toPrecision(7));
}

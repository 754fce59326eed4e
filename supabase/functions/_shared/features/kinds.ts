/** What a user can do with a post; the DLRM has a head for each, in this order. */
export const kinds = ["view", "vote", "comment"] as const;
export type Kind = (typeof kinds)[number];

/**
 * Heads after `kinds`, in this order, that a model has if the data suffice (trainer/models/ranker/optional-heads.ts).
 * In the database: recsys_engine.heads, recsys.settings, recsys_engine.optional_head_events (docs/adding-a-head.md).
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
  /** Description of its probability in the answer of `recommend`. */
  predicted: string;
  /** Description in the report of an experiment. */
  counted: string;
}

export type OptionalHead = keyof typeof optionalHeadInfo;
export const optionalHeads = Object.keys(optionalHeadInfo) as OptionalHead[];
export type Head = Kind | OptionalHead;

/** All heads that a model may have. */
export const allHeads: readonly Head[] = [...kinds, ...optionalHeads];

/** One number per head of a model. */
export type ByHead = Record<Kind, number> & Partial<Record<OptionalHead, number>>;

/** Weights of the heads in the score; negative for what a user dislikes. */
export type HeadWeights = Readonly<ByHead>;

/** The weights of a model's heads, in their order; 0 if it is missing. */
export function weightsOf(heads: readonly Head[], weights: HeadWeights): number[] {
  return heads.map((head) => weights[head] ?? 0);
}

/** Whether names are a valid list of heads: all `kinds`, then some optional heads, each in order. */
export function isHeadList(names: readonly unknown[]): names is Head[] {
  const wanted = allHeads.filter((head) => (kinds as readonly unknown[]).includes(head) || names.includes(head));
  return names.length === wanted.length && names.every((name, i) => name === wanted[i]);
}

/** Rounds a 32-bit probability to its 7 significant digits. */
export function roundToFloat32(probability: number): number {
  return Number(probability.toPrecision(7));
}

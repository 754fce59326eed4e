/** What a user can do with a post; the DLRM has a head for each, in this order. */
export const kinds = ["view", "vote", "comment"] as const;
export type Kind = (typeof kinds)[number];

/**
 * Heads that a model has after those of `kinds`, in this order, where the data hold enough of them (trainer/dlrm/optional-heads.ts). dismiss: the
 * user calls the post not interesting or votes against it within a day, or mutes its author, or a topic or word of it, within an hour. long_view: they
 * view it for recsys.settings.long_view_seconds.
 */
export const optionalHeads = ["dismiss", "long_view"] as const;
export type OptionalHead = (typeof optionalHeads)[number];
export type Head = Kind | OptionalHead;

/** All heads that a model may have. */
export const allHeads = [...kinds, ...optionalHeads] as const;

/** What each head counts in the score; of those that a user would rather not do, below 0. */
export type HeadWeights = Readonly<Record<Head, number>>;

/** The weights of a model's heads, in their order. */
export function weightsOf(heads: readonly Head[], weights: HeadWeights): number[] {
  return heads.map((head) => weights[head]);
}

/** Whether these are the heads of a model: those of `kinds` and, after them, some of the optional ones, each in its order. */
export function areHeads(names: readonly unknown[]): names is Head[] {
  const wanted = allHeads.filter((head) => (kinds as readonly unknown[]).includes(head) || names.includes(head));
  return names.length === wanted.length && names.every((name, i) => name === wanted[i]);
}

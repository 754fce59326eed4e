/** What a user can do with a post; the DLRM has a head for each, in this order. */
export const kinds = ["view", "vote", "comment"] as const;
export type Kind = (typeof kinds)[number];

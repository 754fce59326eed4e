import type { Parts } from "./forecast/blend.ts";
import type { IdeaTopic } from "./read-idea-source.ts";

/** Source of a title: the community's own language, or the operator's language model. */
export type Writer = "community" | "model";

/** A title that may become a post, not yet selected for a user. */
export interface Idea {
  title: string;
  points: string[];
  /** Tags of posts about its subject. */
  tags: string[];
  /** Posts with the nearest titles, as indices into `IdeaPool.named`. */
  from: number[];
  /** The new part of the title. */
  subject: string;
  /** Its terms in lower case; a page has no two ideas that share one. */
  subjects: string[];
  /** The title with gaps in place of its terms; a page has each form once. */
  form: string;
  writer: Writer;
  parts: Parts;
  /** Shares of its audience that view, vote and comment, from the nearest posts. */
  shares: { views: number; votes: number; comments: number };
  /** The post tower's vector [32]; null if no model is active. */
  vector: number[] | null;
  /** Null if there are no topics. */
  topic: IdeaTopic | null;
}

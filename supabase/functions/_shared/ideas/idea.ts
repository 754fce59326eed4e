import type { Parts } from "./forecast/blend.ts";
import type { IdeaTopic } from "./read-idea-source.ts";

/** Who wrote a title: the community's own language, or the language model of an endpoint that the operator named. */
export type Writer = "community" | "model";

/** A title that may become a post, before anybody in particular asks for it. */
export interface Idea {
  title: string;
  points: string[];
  /** That posts about its subject bear. */
  tags: string[];
  /** The posts whose titles are nearest to it, by their place in `IdeaPool.named`. */
  from: number[];
  /** What of the title is new. */
  subject: string;
  /** Its terms, in small letters: two ideas of a page that share one are one too many. */
  subjects: string[];
  /** The title with gaps where its terms stand: as with subjects, a page has each once. */
  form: string;
  writer: Writer;
  parts: Parts;
  /** Shares of its audience that view, vote and comment, as those of the posts nearest to it. */
  shares: { views: number; votes: number; comments: number };
  /** The post tower's [32]; null: no model is active. */
  vector: number[] | null;
  /** null: there are no topics. */
  topic: IdeaTopic | null;
}

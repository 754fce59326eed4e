import type { Ranks } from "../../features/retrieval.ts";
import type { FeedSettings } from "../request/feed-settings.ts";

/** What the selection needs to know of a scored candidate. */
export interface Selectable {
  score: number;
  post: {
    post_id: string;
    title: string;
    /** Whether its reader is shown something else for its title; undefined: not asked for, or nothing has the same. */
    is_masked?: boolean;
    /** null: no author. */
    author_id: string | null;
    created_at: number;
    /** The post tower's vector, of unit length; null: none yet. */
    embedding: ArrayLike<number> | null;
    ranks: Ranks;
    /** recsys_engine.topics.topic_id; undefined or null: not asked for, or none. */
    topic_id?: number | null;
    /** As recsys.settings.group_by has it; undefined or null: not asked for, or none. */
    group?: string | null;
    /** As recsys.source_conversations has it; undefined or null: of none. */
    conversation?: string | null;
    /** When its text was changed last, in milliseconds; undefined or null: never, or not lately. */
    edited_at?: number | null;
    /** Its row of the feature store; undefined: no interactions. */
    state?: { participants: number };
    /** As in recsys_engine.standing; null or undefined: no limit, or the reader follows or has read the author. */
    standing?: Standing | null;
    /** Whether its author is in a closed circle (recsys_engine.circle_members), in which the reader is not, and the reader does not follow them. */
    of_circle?: boolean;
  };
}

/** newcomer: the author has no known reader and wrote the post within a day of signing up. unproven: the author has fewer than three known readers. */
export type Standing = "newcomer" | "unproven";

/** How a page is made of the scored candidates. */
export type SelectionSettings = Pick<FeedSettings, "diversity" | "author_decay" | "topic_share" | "group_share"> & {
  /** The most places that posts of newcomers take while other posts are left; undefined: no limit. */
  newcomer_places?: number;
};

/** Lowers the values of a pool's candidates, logarithms of their scores, by what speaks against them once a post was chosen. −∞: taken. */
export type Penalty = (chosen: Selectable, values: Float64Array) => void;

/** What a feed is ordered by. */
export interface Scored {
  score: number;
  post: { post_id: string; created_at: number };
}

/** Highest score first; of equals the newer post, then an arbitrary order that stays the same. */
export function compareScored(a: Scored, b: Scored): number {
  return b.score - a.score || b.post.created_at - a.post.created_at || (a.post.post_id < b.post.post_id ? -1 : 1);
}

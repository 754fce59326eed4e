/** What the towers and the ranker take of a user. Where the feature store has no row yet, nothing has happened. */
import { halfLives } from "../../features/decay.ts";
import type { Candidate, UserState } from "../../features/ranker-features.ts";
import type { Standing } from "../selection/selectable.ts";
import type { ContextRow } from "./read-context.ts";

const noCounts = { views: 0, votes: 0, comments: 0, recent: halfLives.map(() => 0) as ArrayLike<number> };
const quietUser = { ...noCounts, logins: 0, follows: 0, recent_logins: noCounts.recent };

/** `history`: that of `userInput`. */
export function userState(row: ContextRow, history: ArrayLike<number>[]): UserState {
  return {
    ...known(row, quietUser),
    created_at: Number(row.created_at),
    last_active_at: milliseconds(row.last_active_at),
    habit_log_age: row.habit_log_age,
    habit_log_idle: row.habit_log_idle,
    recent_interactions: row.recent_interactions ?? [],
    history,
    ...(row.own_history && { own_history: row.own_history }),
  };
}

/** A candidate with the id that the answer names it by, and recsys_engine.served_key, by which the feed remembers it. */
export interface PostCandidate extends Candidate {
  post_id: string;
  served_key: number;
  /** One of its tags that the user follows; null: none. */
  followed_topic: string | null;
  /** Up to two of those whom the user follows and who interacted with it, the latest first, as far as they may be named. */
  touchers: string[];
  /** What its score is multiplied by: the reader wants more or less of its topics, or dismissed something of its author or topics lately. */
  leaning: number;
  /** As in `Selectable`. */
  is_masked?: boolean;
  /** As in `Selectable`. */
  of_circle: boolean;
  /** As in `Selectable`. */
  standing: Standing | null;
  /** As in `Selectable`. */
  topic_id?: number | null;
  /** As in `Selectable`. */
  group?: string | null;
  /** As in `Selectable`. */
  conversation?: string | null;
  /** As in `Selectable`. */
  edited_at?: number | null;
}

/** The columns of `quiet` from the row; where the row has null, the value of `quiet`: nothing has happened yet. */
function known<Quiet extends object>(row: { [Column in keyof Quiet]: Quiet[Column] | null }, quiet: Quiet): Quiet {
  const columns = Object.keys(quiet) as (keyof Quiet)[];
  return Object.fromEntries(columns.map((column) => [column, row[column] ?? quiet[column]])) as Quiet;
}

function milliseconds(date: Date | null): number | null {
  return date === null ? null : Number(date);
}

/**
 * Users as if they were new: the ranker learns from them what few actions are worth; a community that does not grow
 * has few examples.
 */
import { decay, halfLives } from "../../../supabase/functions/_shared/features/decay.ts";
import { hoursBetween } from "../../../supabase/functions/_shared/features/hours.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { UserState } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { recentHabit } from "../../../supabase/functions/_shared/features/recent-habit.ts";
import { emptyUserState } from "./empty-user-state.ts";
import type { CommunityState } from "./state.ts";

/** The ranker's view of a user at an instant who did nothing but their latest `acts`; 0: they have just signed up. */
export function coldStartUserState(
  state: CommunityState,
  user: number,
  acts: number,
  now: number,
  { history, followsNobody }: { history: ArrayLike<number>[]; followsNobody: boolean },
): UserState {
  const { timeline } = state;
  const events = [...state.latestInteractions(user, acts)];
  const follows = followsNobody ? 0 : state.followsOf(user);
  if (events.length === 0)
    return { created_at: now, last_active_at: null, ...emptyUserState, follows, recent_interactions: [], history };
  const times = events.map((event) => timeline.at[event]);
  const [last] = times;
  const recent_interactions = state.recentInteractions(user, undefined, acts);
  const habit = recentHabit(recent_interactions);
  const [views, votes, comments] = kinds.map(
    (_, kind) => events.filter((event) => timeline.kinds[event] === kind).length,
  );
  return {
    ...emptyUserState,
    ...{ created_at: times[times.length - 1], last_active_at: last, views, votes, comments, follows },
    recent: halfLives.map((halfLife) => times.reduce((sum, at) => sum + decay(1, hoursBetween(at, last), halfLife), 0)),
    ...{ habit_log_age: habit?.logAge ?? null, habit_log_idle: habit?.logIdle ?? null },
    ...{ recent_interactions, history },
  };
}

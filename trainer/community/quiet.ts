/** What is known of a user who has done nothing yet. */
import { halfLives } from "../../supabase/functions/_shared/features/decay.ts";
import type { UserState } from "../../supabase/functions/_shared/features/ranker-features.ts";

const none = new Float32Array(halfLives.length);
const noCounts = { views: 0, votes: 0, comments: 0, recent: none };
export const quietUser = { ...noCounts, logins: 0, habit_log_age: null, habit_log_idle: null, recent_logins: none };

/** What the ranker sees of somebody who has just signed up and follows so many people. */
export function newUser(now: number, follows: number): UserState {
  return { created_at: now, last_active_at: null, ...quietUser, follows, recent_interactions: [], history: [] };
}

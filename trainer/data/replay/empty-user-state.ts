/** What is known of a user who has done nothing yet. */
import { halfLives } from "../../../supabase/functions/_shared/features/decay.ts";

const none = new Float32Array(halfLives.length);
const noCounts = { views: 0, votes: 0, comments: 0, recent: none };
export const emptyUserState = {
  ...noCounts,
  logins: 0,
  habit_log_age: null,
  habit_log_idle: null,
  recent_logins: none,
};

import type { Project } from "../shared/project.ts";
import { type Act, eventOf } from "./acts.ts";
import { mute, unmute } from "./people/mutes.ts";

/** Stores what somebody did: events by the recommender, mutes in the app's own table. Throws what refuses it. */
export async function sendActs(
  { supabase, recommender }: Project,
  userId: string,
  acts: readonly Act[],
): Promise<void> {
  for (const act of acts) {
    if (act.kind === "mute") await mute(supabase, userId, { kind: act.of, value: act.value });
    if (act.kind === "unmute") await unmute(supabase, userId, { kind: act.of, value: act.value });
  }
  const events = acts.flatMap((act) => eventOf(act) ?? []);
  if (events.length === 0) return;
  const report = await recommender.events(events);
  const refused = report.events.find(({ status }) => status === "refused");
  if (refused) throw new Error(refused.message);
}

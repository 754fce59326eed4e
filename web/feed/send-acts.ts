import type { Project } from "../shared/project.ts";
import { type Act, eventOf } from "./acts.ts";
import { mute, unmute } from "./people/mutes.ts";

/**
 * Stores what somebody did. Events are kept and sent in their order as soon as there is a network, which may take until the next visit;
 * mutes go into the app's own table, one after another, and fail without a network. Throws what refuses them.
 */
export async function sendActs(project: Project, userId: string, acts: readonly Act[]): Promise<void> {
  const events = acts.flatMap((act) => eventOf(act) ?? []);
  const [reports] = await Promise.all([
    Promise.all(events.map((event) => project.recommender.track(event))),
    ...acts.flatMap((act) => changeMute(project, userId, act) ?? []),
  ]);
  const refused = reports.find(({ status }) => status === "refused");
  if (refused) throw new Error(refused.message);
}

/** Resolves when nothing is on its way, or none of it can be sent just now. */
export async function settleActs({ recommender }: Project): Promise<void> {
  await Promise.allSettled([recommender.flush(), latestMute]);
}

let latestMute: Promise<void> = Promise.resolve();

/** Undefined: it is no such act. */
function changeMute({ supabase }: Project, userId: string, act: Act): Promise<void> | undefined {
  if (act.kind !== "mute" && act.kind !== "unmute") return undefined;
  const change = act.kind === "mute" ? mute : unmute;
  const changed = latestMute.then(() => change(supabase, userId, { kind: act.of, value: act.value }));
  latestMute = changed.catch(() => undefined);
  return changed;
}

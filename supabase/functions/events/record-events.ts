/** Impressions are written after the answer that shows them: `seen` may come sooner, from an app that cannot know. */

import { call, type Pool, type Statement } from "../_shared/database/database.ts";
import { type Identity, writeAs } from "../_shared/database/run-as-caller.ts";
import { backgroundMaxWaitMs } from "../_shared/http/background-queue.ts";
import type { Call } from "../_shared/http/edge-function.ts";
import type { Event, EventReport, RefusalCode } from "./api.ts";

export type EventOutcome = Exclude<EventReport["status"], "refused"> | RefusalCode;

/** After how long it is looked again each time, in milliseconds: most feeds are logged within 300. */
const pauses = [150, 150, 300, 600];

/**
 * Stores events as the caller's own; null where there is no such user. Those of an impression that is not there are tried again while
 * it may be on its way; what happened before that is refused at once.
 */
export async function recordEvents(
  pool: Pool,
  caller: Identity,
  events: Event[],
  pause: Call["pause"],
): Promise<EventOutcome[] | null> {
  const [{ record_events: outcomes }] = await writeAs(pool, caller, statementOf(events));
  if (!outcomes) return null;
  const since = Date.now() - backgroundMaxWaitMs;
  let early = events.flatMap(({ occurred_at = since }, place) => (occurred_at < since ? [] : [place]));
  for (const milliseconds of pauses) {
    early = early.filter((place) => outcomes[place] === "unknown_impression");
    if (early.length === 0 || !(await pause(milliseconds))) break;
    const [again] = await writeAs(pool, caller, statementOf(early.map((place) => events[place])));
    for (const [i, place] of early.entries()) outcomes[place] = again.record_events?.[i] ?? "unknown_impression";
  }
  return outcomes;
}

/** Stores events as the caller's own. One row: an outcome for each event in order; null where there is no such user. */
function statementOf(events: Event[]): Statement<{ record_events: EventOutcome[] | null }> {
  return call("recsys_engine.record_events", { p_events: JSON.stringify(events) }) as Statement<{
    record_events: EventOutcome[];
  }>;
}

import type { Statement } from "../_shared/database/database.ts";
import type { Event } from "./event.ts";
import type { RefusalCode } from "./refusals.ts";

export type Outcome = "stored" | "duplicate" | RefusalCode;

/** Stores events as the caller's own. One row: an outcome for each event in order; null where there is no such user. */
export function recordEvents(events: Event[]): Statement<{ outcomes: Outcome[] | null }> {
  return { text: "select recsys.record_events($1::jsonb) as outcomes", values: [JSON.stringify(events)] };
}

/**
 * `POST /events {events: [...]}` writes the user's actions into the app's tables under the user's own role. Apps
 * that write these tables themselves need no events, as the engine reads the tables.
 */
import type { Pool } from "../_shared/database/database.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { AppError, unknownUser } from "../_shared/http/errors.ts";
import { type EventReport, type Report, refusals } from "./api.ts";
import { batchOfBody, type Checked } from "./check-events.ts";
import { type EventOutcome, recordEvents } from "./record-events.ts";

export const eventsFunction: UserFunction<Checked[], { pool: Pool }> = {
  name: "events",
  callers: "users",
  // 500 events of 500 bytes, where those without a comment have 250; or 8 of the longest comments, of 30 KB each
  maximumBodyBytes: 256 * 1024,
  read: { POST: batchOfBody },
  async answer(batch, { claims, pause }, { pool }): Promise<Report> {
    if (claims.preview) throw new AppError(401, "token_not_user", "an operator's preview token cannot send events");
    const events = batch.flatMap((checked) => ("event" in checked ? [checked.event] : []));
    const recorded = events.length > 0 ? await recordEvents(pool, claims, events, pause) : [];
    const outcomes = recorded?.values();
    if (!outcomes) throw unknownUser();
    return {
      events: batch.map((checked) =>
        "event" in checked
          ? reportOf(checked.id, outcomes.next().value as EventOutcome)
          : { id: checked.id, status: "refused", code: checked.refusal, message: checked.message },
      ),
    };
  },
};

function reportOf(id: string | null, outcome: EventOutcome): EventReport {
  if (outcome === "stored" || outcome === "duplicate" || outcome === "counted") return { id, status: outcome };
  return { id, status: "refused", code: outcome, message: refusals[outcome] };
}

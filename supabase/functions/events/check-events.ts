/** A batch as a whole, and each of its events. Whether an event's post exists and its time is plausible is for the database to say. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson, requestOf } from "../_shared/http/request.ts";
import { type Event, event, eventsRequest, maximumEvents, type RefusalCode } from "./api.ts";

/** As documented, but that each event is checked by itself. */
const batch = eventsRequest.extend({ events: z.array(z.unknown()) }).meta({ examples: [{ events: ["…"] }] });

/** The events of a body, each checked. @throws AppError 400 */
export function batchOfBody(text: string): Checked[] {
  const { events } = requestOf(batch, parseJson(text));
  if (events.length > maximumEvents)
    throw new AppError(400, "too_many_events", `a batch has ${maximumEvents} events at most: send several`);
  return events.map(checkEvent);
}

export type Checked = { id: string; event: Event } | { id: string | null; refusal: RefusalCode };

/** The event, or what is wrong with it; its id in both cases, if it has one. */
export function checkEvent(given: unknown): Checked {
  const result = event.safeParse(given);
  if (result.success) return { id: result.data.id, event: result.data };
  const id = z.looseObject({ id: event.options[0].shape.id }).safeParse(given);
  return { id: id.success ? id.data.id : null, refusal: refusalOf(result.error.issues[0]) };
}

const ofField: Record<string, RefusalCode> = {
  id: "invalid_id",
  type: "unknown_type",
  post_id: "invalid_post_id",
  request_id: "invalid_request_id",
  value: "invalid_value",
  body: "invalid_comment",
  occurred_at: "invalid_time",
};

function refusalOf({ code, path }: z.core.$ZodIssue): RefusalCode {
  if (code === "unrecognized_keys") return "unknown_field";
  return ofField[String(path[0])] ?? "invalid_event";
}

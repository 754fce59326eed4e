/** A batch as a whole, and each of its events. Whether an event's post exists and its time is plausible is for the database to say. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { aboutUnknown, parseJson, requestOf, withoutNulls } from "../_shared/http/request.ts";
import { type Event, event, eventsRequest, maximumEvents, type RefusalCode, refusals } from "./api.ts";

/** As documented, but that each event is checked by itself. */
const batch = eventsRequest
  .extend({ events: z.array(z.unknown()).meta({ refusal: eventsRequest.shape.events.meta()?.refusal }) })
  .meta({ examples: [{ events: ["…"] }] });

/** The events of a body, each checked. @throws AppError 400 */
export function batchOfBody(text: string): Checked[] {
  const { events } = requestOf(batch, parseJson(text));
  if (events.length > maximumEvents)
    throw new AppError(400, "too_many_events", `a batch has ${maximumEvents} events at most: send several`);
  return events.map(checkEvent);
}

export type Checked = { id: string; event: Event } | ({ id: string | null } & Refused);

/** `message`: for the app's developer. */
interface Refused {
  refusal: RefusalCode;
  message: string;
}

/** The event, or what is wrong with it; its id in both cases, if it has one. */
export function checkEvent(given: unknown): Checked {
  const result = event.safeParse(withoutNulls(event, given));
  if (result.success) return { id: result.data.id, event: result.data };
  const id = z.looseObject({ id: event.options[0].shape.id }).safeParse(given);
  return { id: id.success ? id.data.id : null, ...refusalOf(result.error.issues[0], given) };
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

function refusalOf(issue: z.core.$ZodIssue, given: unknown): Refused {
  if (issue.code === "unrecognized_keys") {
    const { type } = given as Event;
    const fields = event.options.find(({ shape }) => shape.type.value === type)?.shape ?? {};
    return { refusal: "unknown_field", message: aboutUnknown(issue.keys[0], `a ${type}`, Object.keys(fields)) };
  }
  const refusal = ofField[String(issue.path[0])] ?? "invalid_event";
  return { refusal, message: refusals[refusal] };
}

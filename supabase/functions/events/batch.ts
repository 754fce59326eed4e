/** A batch as a whole; what is wrong with one of its events is told for that event alone. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";
import { unknownField } from "../_shared/http/unknown-field.ts";
import { type Checked, checkEvent } from "./event.ts";

export const maximumEvents = 500;

const batch = z.strictObject({ events: z.array(z.unknown()).max(maximumEvents) });

/** The events of a body, each checked. @throws AppError 400 */
export function batchOfBody(text: string): Checked[] {
  const result = batch.safeParse(parseJson(text));
  if (result.success) return result.data.events.map(checkEvent);
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys") throw unknownField(issue, "the body", batch.shape);
  if (issue.code === "too_big")
    throw new AppError(400, "too_many_events", `a batch has ${maximumEvents} events at most: send several`);
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"events": [...]}');
}

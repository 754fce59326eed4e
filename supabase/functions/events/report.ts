/** What `events` answers. */
import * as z from "zod";
import { type RefusalCode, refusals } from "./refusals.ts";

const refusalCode = z
  .enum(Object.keys(refusals) as RefusalCode[])
  .meta({ id: "RefusalCode", description: "Why an event alone is refused." });

const eventReport = z
  .object({
    id: z.guid().nullable().describe("null where the event has no valid one."),
    status: z.enum(["stored", "duplicate", "refused"]).describe("duplicate: stored before, under the same id."),
    code: refusalCode.optional(),
    message: z.string().optional().describe("What to do about it, for the app's developer."),
  })
  .meta({ id: "EventReport", description: "What became of an event; code and message where it is refused." });

export const report = z
  .object({ events: z.array(eventReport).describe("One for each event, in the order of the batch.") })
  .meta({ id: "Report", description: "What became of a batch of events." });

export type EventReport = z.infer<typeof eventReport>;
export type Report = z.infer<typeof report>;

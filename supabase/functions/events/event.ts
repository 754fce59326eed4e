/** What one event may be. Whether its post exists and its time is plausible is for the database to say. */
import * as z from "zod";
import type { RefusalCode } from "./refusals.ts";

/** Any uuid: apps choose the version. */
const uuid = z.guid();

/** Milliseconds since 1970. */
const time = z.iso
  .datetime({ offset: true })
  .transform((iso) => Date.parse(iso))
  .refine(Number.isFinite);

/** Postgres stores neither NUL nor half a surrogate pair. */
const text = z
  .string()
  .min(1)
  .max(10_000)
  .refine((value) => value.isWellFormed() && !value.includes("\0"));

const common = {
  id: uuid.describe(
    "Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.",
  ),
  occurred_at: time.optional().describe("A time of the last 30 days; left out: now."),
};
const seconds = z.number().min(0).max(1e6).optional().describe("Seconds.");
const vote = z.literal([1, -1, 0]).describe("1: for the post. -1: against it. 0: takes the vote back.");
const notDismissed = z.literal(0).optional().describe("0: takes the dismissal back; left out: dismisses the post.");
const request = uuid.describe("The request_id of the feed in which the post came into view.");

export const event = z
  .discriminatedUnion("type", [
    z.strictObject({ ...common, type: z.literal("view"), post_id: uuid, value: seconds }),
    z.strictObject({ ...common, type: z.literal("vote"), post_id: uuid, value: vote }),
    z.strictObject({ ...common, type: z.literal("comment"), post_id: uuid, body: text }),
    z.strictObject({ ...common, type: z.literal("login") }),
    z.strictObject({ ...common, type: z.literal("dismiss"), post_id: uuid, value: notDismissed }),
    z.strictObject({ ...common, type: z.literal("seen"), post_id: uuid, request_id: request }),
  ])
  .meta({ id: "Event", description: "What a user did." });

export type Event = z.infer<typeof event>;

export type Checked = { id: string; event: Event } | { id: string | null; refusal: RefusalCode };

/** The event, or what is wrong with it; its id in both cases, if it has one. */
export function checkEvent(given: unknown): Checked {
  const result = event.safeParse(given);
  if (result.success) return { id: result.data.id, event: result.data };
  const id = z.looseObject({ id: uuid }).safeParse(given);
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

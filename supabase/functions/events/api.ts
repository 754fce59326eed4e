/** What `events` takes and answers. What is wrong with one event is told for that event alone. */
import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";

export const maximumEvents = 500;
/** How far from now an event may have occurred; recsys_engine.time_refusal says the same. */
export const mostMinutesAhead = 5;
export const mostDaysAgo = 30;
const mostSeconds = 1_000_000;
const longestComment = 10_000;

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
  .max(longestComment)
  .refine((value) => value.isWellFormed() && !value.includes("\0"));

const common = {
  id: uuid.describe(
    "Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.",
  ),
  occurred_at: time.optional().describe(`A time of the last ${mostDaysAgo} days; left out: now.`),
};
const seconds = z.number().min(0).max(mostSeconds).optional().describe("Seconds.");
const vote = z.literal([1, -1, 0]).describe("1: for the post. -1: against it. 0: takes the vote back.");
const notDismissed = z.literal(0).optional().describe("0: takes the dismissal back; left out: dismisses the post.");
const request = uuid.describe("The request_id of the feed in which the post was seen.");

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

const types = event.options.map(({ shape }) => shape.type.value);

/** Why an event alone is refused: stable codes, and what the app's developer is told. */
export const refusals = {
  invalid_event: "an event must be an object with an id and a type",
  invalid_id: "id must be a uuid that the app makes for this event, such as crypto.randomUUID()",
  unknown_type: `type must be ${types.slice(0, -1).join(", ")} or ${types.at(-1)}`,
  unknown_field: "the event has a field that events of its type do not have",
  invalid_post_id: "post_id must be the uuid of a post",
  invalid_request_id: "request_id must be the uuid of the feed in which the post was seen",
  invalid_value: `value must be 1, -1 or 0 (takes it back) for a vote, 0 (takes it back) or left out for a dismissal, and from 0 to ${mostSeconds} for a view`,
  invalid_comment: `body must be a text of 1 to ${longestComment} characters without NUL or half a surrogate pair`,
  invalid_time: "occurred_at must be an ISO 8601 time with a zone, such as 2026-01-31T17:05:00Z",
  in_the_future: `occurred_at is more than ${mostMinutesAhead} minutes from now: the device's clock is wrong`,
  too_old: `occurred_at is more than ${mostDaysAgo} days ago`,
  unknown_post: "there is no such post that the user may read",
  unknown_impression: "the user was not shown this post in this request, or its feed is not logged",
  not_allowed: "a policy or constraint of the database refuses it",
} as const;

export type RefusalCode = keyof typeof refusals;

/** A batch of valid events. An invalid event is refused by itself, before this schema. */
export const eventsRequest = z
  .strictObject({
    events: z
      .array(event)
      .max(maximumEvents)
      .meta({ refusal: `events must be an array of up to ${maximumEvents} events, and one event is an array of one` }),
  })
  .meta({
    id: "EventsRequest",
    description: "Events in chronological order. An invalid event is refused by itself; the others are processed.",
    examples: [{ events: [] }],
  });

const refusalCode = z
  .enum(Object.keys(refusals) as RefusalCode[])
  .meta({ id: "RefusalCode", description: "Why an event is refused." });

const eventReport = z
  .object({
    id: z.guid().nullable().describe("null if the event has no valid id."),
    status: z
      .enum(["stored", "duplicate", "counted", "refused"])
      .describe(
        "duplicate: an event with this id is already stored. counted: accepted but not stored, because the user's daily limit is reached. refused: see `code`.",
      ),
    code: refusalCode.optional(),
    message: z.string().optional().describe("How to fix it, for the app's developer."),
  })
  .meta({ id: "EventReport", description: "Result of one event; `code` and `message` if it is refused." });

export const report = z
  .object({ events: z.array(eventReport).describe("One for each event, in the order of the batch.") })
  .meta({ id: "Report", description: "Results of a batch of events." });

export type EventReport = z.infer<typeof eventReport>;
export type Report = z.infer<typeof report>;

export const eventsApi: Api = {
  name: "events",
  callers: "users",
  summary: "What the user did, into the app's tables.",
  requests: { POST: eventsRequest },
  answer: report,
  codes: {
    400: ["too_many_events"],
    404: ["unknown_user"],
  },
};

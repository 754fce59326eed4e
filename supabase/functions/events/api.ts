import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { maximumEvents } from "./batch.ts";
import { event } from "./event.ts";
import { report } from "./report.ts";

/** A batch in which every event is as it should be; one that is not is refused alone. */
const eventsRequest = z.strictObject({ events: z.array(event).max(maximumEvents) }).meta({
  id: "EventsRequest",
  description: "Events in the order in which they happened. One that is not as it should be is refused alone.",
});

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

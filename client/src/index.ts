/**
 * Typed calls of the recommender's functions, on top of a supabase-js client:
 *
 *   const recommender = recsys(supabase);
 *   const feed = await recommender.recommend({ limit: 20 });
 *   await recommender.events([{ type: "vote", post_id: feed.items[0].post_id, value: 1 }]);
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import { batchesOf } from "./batches.ts";
import { EventsError, errorOf, RecsysError } from "./error.ts";
import { withRetries } from "./retry.ts";
import type {
  Event,
  EventReport,
  Feed,
  FeedRequest,
  Ideas,
  IdeasRequest,
  Report,
  SimilarPeople,
  SimilarPosts,
  SimilarRequest,
} from "./types.ts";

export { EventsError, RecsysError } from "./error.ts";
export type * from "./types.ts";

/** An event whose id may be left out: it then gets one. */
export type NewEvent = Event extends infer Each
  ? Each extends Event
    ? Omit<Each, "id"> & { id?: string }
    : never
  : never;

export interface CallOptions {
  /** Ends the call with an error whose code is `aborted`. */
  signal?: AbortSignal | undefined;
}

/** The functions of the recommender. Each call rejects with a `RecsysError`. */
export interface Recsys {
  /** The signed-in user's feed; before anybody has signed in, a visitor's, by the `interests` of the request. */
  recommend(request?: FeedRequest, options?: CallOptions): Promise<Feed>;
  /**
   * Tells what the user did, in the order in which it happened; any number of events. Each has an id, so what did not arrive is sent
   * again, and stored once. Rejects with an `EventsError` that holds what is left; single events that are refused are no error: see the report.
   */
  events(events: readonly NewEvent[], options?: CallOptions): Promise<Report>;
  /** People like the signed-in user; with post_id, those whom that post of theirs may interest. */
  similar(request: SimilarRequest & { find: "people" }, options?: CallOptions): Promise<SimilarPeople>;
  /** Posts like one. */
  similar(request: SimilarRequest & { find?: "posts"; post_id: string }, options?: CallOptions): Promise<SimilarPosts>;
  /** Posts that the signed-in user might write, with the audience to expect. */
  ideas(request?: IdeasRequest, options?: CallOptions): Promise<Ideas>;
}

/** The recommender of the project that a supabase-js client belongs to. */
export function recsys(supabase: Pick<SupabaseClient, "functions">): Recsys {
  async function call<Answer>(name: string, body: object, { signal }: CallOptions = {}): Promise<Answer> {
    const { data, error, response } = await supabase.functions.invoke(name, { body, ...(signal && { signal }) });
    if (error || typeof data !== "object" || data === null) throw await errorOf(error, response, signal);
    return data;
  }

  async function send(batch: Event[], options?: CallOptions): Promise<EventReport[]> {
    const { events } = await call<Report>("events", { events: batch }, options);
    // whatever else answered 200, the events did not arrive there
    if (!Array.isArray(events) || events.length !== batch.length) throw await errorOf(undefined, undefined);
    return events;
  }

  return {
    recommend: (request = {}, options) => call("recommend", request, options),
    similar: (request: SimilarRequest, options?: CallOptions) => call<never>("similar", request, options),
    ideas: (request = {}, options) => call("ideas", request, options),
    async events(events, options) {
      const named = events.map((event) => ({ ...event, id: event.id ?? crypto.randomUUID() }) as Event);
      const reports: EventReport[] = [];
      for (const batch of batchesOf(named)) {
        try {
          reports.push(...(await withRetries(() => send(batch, options), options?.signal)));
        } catch (error) {
          if (!(error instanceof RecsysError)) throw error;
          throw new EventsError(error, named.slice(reports.length));
        }
      }
      return { events: reports };
    },
  };
}

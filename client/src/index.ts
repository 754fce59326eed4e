/**
 * Typed calls of the recommender's functions, on top of a supabase-js client:
 *
 *   const recommender = recsys(supabase);
 *   const feed = await recommender.recommend({ limit: 20 });
 *   recommender.track({ type: "vote", post_id: feed.items[0].post_id, value: 1 });
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import { batchesOf } from "./batches.ts";
import { EventsError, errorOf, RecsysError } from "./error.ts";
import { type NewEvent, openQueue, type Tracked } from "./event-queue.ts";
import { type EventStorage, openStore, pageStorage } from "./event-store.ts";
import { isOnline, watchPage, withKeepalive } from "./page.ts";
import { withRetries } from "./retry.ts";
import { sessionOf } from "./session.ts";
import type {
  Event,
  EventReport,
  Feed,
  FeedRequest,
  GroupsToFollow,
  Ideas,
  IdeasRequest,
  NewPosts,
  PeopleToFollow,
  PostReach,
  Report,
  SimilarPeople,
  SimilarPosts,
  SimilarRequest,
  TopicsToFollow,
} from "./types.ts";
import { randomUuid } from "./uuid.ts";

export { EventsError, RecsysError } from "./error.ts";
export type { NewEvent, Tracked } from "./event-queue.ts";
export type { EventStorage } from "./event-store.ts";
export { withPlaces } from "./places.ts";
export type * from "./types.ts";

/** Since when posts are counted: as the API, `count_since`, such as a feed's `made_at`. */
export type NewPostsRequest = Pick<FeedRequest, "filter"> &
  (
    | { count_since: string; since?: never }
    | {
        /** @deprecated `count_since`, as in the API. */
        since: string;
        count_since?: never;
      }
  );

/** Suggests people, topics or groups to follow, as `find` says. */
export type SuggestionsRequest<What extends "people" | "topics" | "groups" = "people" | "topics" | "groups"> = {
  limit?: number;
} & (
  | { find: `${What}_to_follow`; of?: never }
  | {
      /** @deprecated `find`, as in the API. */
      of: What;
      find?: never;
    }
);

export interface CallOptions {
  /** Ends the call with an error whose code is `aborted`. */
  signal?: AbortSignal | undefined;
}

export interface RecsysOptions {
  /** What createClient was given as `accessToken`, where it was: `track` asks it who is signed in. */
  accessToken?: () => Promise<string | null>;
  /** Where tracked events outlive the page; left out: localStorage, where there is one. null: nowhere. */
  storage?: EventStorage | null;
  /** Told of a tracked event that is refused for good; left out: the console is. */
  onRefused?: (report: Tracked, event: Event) => void;
}

/** What a page may tell its reader. */
export interface ConnectionState {
  /** false: this device has no network. */
  isOnline: boolean;
  /** The signed-in user's tracked events that wait to be sent, the oldest first. */
  unsent: Event[];
}

/** The functions of the recommender. Each call rejects with a `RecsysError`, but for `track` and `watch`. */
export interface Recsys {
  /** The signed-in user's feed; without a login, a visitor's, by the `interests` of the request. */
  recommend(request?: Omit<FeedRequest, "count_since">, options?: CallOptions): Promise<Feed>;
  /** How many posts were written since an instant, such as a feed's `made_at`, that the feed might show. */
  newPosts(request: NewPostsRequest, options?: CallOptions): Promise<NewPosts>;
  /**
   * Tells what the user did, in the order in which it happened; any number of events. Each has an id, so what did not arrive is sent
   * again, and stored once. Rejects with an `EventsError` that holds what is left; single events that are refused are no error: see the report.
   */
  events(events: readonly NewEvent[], options?: CallOptions): Promise<Report>;
  /**
   * Keeps an event until it is stored: over reloads, without a network, and when the page ends. Several go together, in their order. Resolves
   * with what became of it once the functions have said so, which may be never in this page; need not be waited for.
   */
  track(event: NewEvent): Promise<Tracked>;
  /** Sends at once what `track` keeps; rejects where that cannot be sent just now: it is kept, and sent later. */
  flush(): Promise<void>;
  /** Tells of the connection, now and whenever it changes, until what it returns is called. */
  watch(tell: (connection: ConnectionState) => void): () => void;
  /** People like the signed-in user. */
  similar(request: SimilarRequest & { find: "people" }, options?: CallOptions): Promise<SimilarPeople>;
  /** About how many people a post of the signed-in user may reach. */
  similar(request: SimilarRequest & { find: "reach"; post_id: string }, options?: CallOptions): Promise<PostReach>;
  /** Posts like one. */
  similar(request: SimilarRequest & { find?: "posts"; post_id: string }, options?: CallOptions): Promise<SimilarPosts>;
  /** Whom the signed-in user might follow. */
  suggestions(request: SuggestionsRequest<"people">, options?: CallOptions): Promise<PeopleToFollow>;
  /** Which topics the signed-in user might follow. */
  suggestions(request: SuggestionsRequest<"topics">, options?: CallOptions): Promise<TopicsToFollow>;
  /** Which groups the signed-in user might follow. */
  suggestions(request: SuggestionsRequest<"groups">, options?: CallOptions): Promise<GroupsToFollow>;
  /** Posts that the signed-in user might write, with the audience to expect. */
  ideas(request?: IdeasRequest, options?: CallOptions): Promise<Ideas>;
}

/** The recommender of the project that a supabase-js client belongs to. */
export function recsys(supabase: Pick<SupabaseClient, "functions" | "auth">, options: RecsysOptions = {}): Recsys {
  async function call<Answer>(
    name: string,
    body: object,
    { signal }: CallOptions = {},
    token?: string,
  ): Promise<Answer> {
    const functions = token ? withKeepalive(supabase.functions) : supabase.functions;
    const headers = token && { Authorization: `Bearer ${token}` };
    const answer: { data: Answer | null; error: unknown; response?: Response } = await functions.invoke(name, {
      body,
      ...(signal && { signal }),
      ...(headers && { headers }),
    });
    const { data, error } = answer;
    // of an older supabase-js the error alone has the response
    const context = (error as { context?: unknown } | null)?.context;
    const response = answer.response ?? (context instanceof Response ? context : undefined);
    if (error || typeof data !== "object" || data === null) throw await errorOf(error, response, signal);
    return data;
  }

  async function send(batch: Event[], options?: CallOptions, token?: string): Promise<EventReport[]> {
    const { events } = await call<Report>("events", { events: batch }, options, token);
    // whatever else answered 200, the events did not arrive there
    if (!Array.isArray(events) || events.length !== batch.length) throw await errorOf(undefined, undefined);
    return events;
  }

  const watchers = new Set<() => void>();
  const tellAll = () => {
    for (const tell of watchers) tell();
  };
  const queue = openQueue({
    readSession: sessionOf(supabase, options.accessToken),
    store: openStore(options.storage === undefined ? pageStorage() : options.storage),
    send: (batch, token) => send(batch, {}, token),
    onRefused: options.onRefused ?? warn,
    onChange: tellAll,
  });
  watchPage({ back: queue.sendAny, end: queue.lastCall, change: queue.look });
  queue.start();

  return {
    track: queue.track,
    flush: queue.flush,
    watch(tell) {
      let told = "";
      const watcher = () => {
        const connection = { isOnline: isOnline(), unsent: queue.unsent() };
        const now = [connection.isOnline, ...connection.unsent.map(({ id }) => id)].join();
        if (now !== told) tell(connection);
        told = now;
      };
      watchers.add(watcher);
      watcher();
      return () => void watchers.delete(watcher);
    },
    recommend: (request = {}, options) => call("recommend", request, options),
    newPosts: ({ since, count_since = since, filter }, options) =>
      call("recommend", { count_since, ...(filter && { filter }) }, options),
    similar: (request: SimilarRequest, options?: CallOptions) => call<never>("similar", request, options),
    suggestions: ({ of, find, ...request }: SuggestionsRequest, options?: CallOptions) =>
      call<never>("similar", { find: find ?? `${of}_to_follow`, ...request }, options),
    ideas: (request = {}, options) => call("ideas", request, options),
    async events(events, options) {
      const named = events.map((event) => ({ ...event, id: event.id ?? randomUuid() }) as Event);
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

function warn({ id, code, message }: Tracked, { type }: Event): void {
  console.warn(`recsys: the ${type} event ${id} was refused (${code}): ${message}`);
}

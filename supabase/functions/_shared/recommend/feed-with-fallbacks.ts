/**
 * A feed, whatever fails. Each fallback needs less than the one before it; `degraded` in the answer says which one served:
 *
 * - the live feed, ranked;
 * - `unranked`, the same candidates: the ranker fails;
 * - `batch`, the list made ahead: tower, retrieval or states fail, or hang;
 * - `community`, fresh and popular posts: there is no list;
 * - the error of the first.
 *
 * For posts that the request names (requested-page.ts): ranked, then in the order of their names.
 *
 * Every request begins with the live feed, so a feed recovers at once. Only where live feeds hang for all users
 * (circuit-breaker.ts) do most begin with the first fallback.
 */
import { type AppError, toAppError } from "../http/errors.ts";
import { noSpan, type Span } from "../http/span.ts";
import type { CircuitBreaker } from "./fallback/circuit-breaker.ts";
import { communityFeed } from "./fallback/community-feed.ts";
import { batchFeed } from "./fallback/precomputed-feed.ts";
import { describeItems } from "./hydration/describe-items.ts";
import { requestedFeedUnranked } from "./page/requested-page.ts";
import type { FeedResult, FeedServices } from "./pipeline/types.ts";
import { recommendLive } from "./recommend.ts";
import type { Page } from "./request/cursor.ts";
import type { Feed } from "./request/feed-schema.ts";
import { errorTo, type Reader } from "./request/reader.ts";

/** Timeouts of a statement of each step. It takes milliseconds; where all three hang, the caller waits 5 seconds for the error. */
const liveTimeout = "3s";
const batchTimeout = "1s";
const communityTimeout = "1s";

/** No further fallback is tried after this long, in milliseconds: each may also wait for a connection. */
const patience = 5_000;

/** Without the database, without a profile, or with too many requests no fallback helps. */
const degradable = new Set(["model_corrupt", "model_incompatible", "database_timeout", "not_installed", "internal"]);

/** The reader's feed, live or by the first fallback that works; `mode` batch asks for the list first. Throws AppError. */
export async function feedWithFallbacks(
  services: FeedServices & { breaker: CircuitBreaker },
  reader: Reader,
  page: Page,
  mode: "live" | "batch",
  span: Span = noSpan,
): Promise<FeedResult> {
  const { caller } = reader;
  const timed = <Made>(name: string, make: () => Promise<Made>) => {
    return async () => {
      const ended = span(name);
      return await make().finally(ended);
    };
  };
  const live: Step = {
    made: () => watched(services.breaker, reader, () => recommendLive(services, reader, page, liveTimeout, span)),
    degraded: null,
  };
  const list = { made: timed("batch", () => batchFeed(services, caller, page, batchTimeout)) };
  const community: Step = {
    made: timed("community", () => communityFeed(services, caller, page, communityTimeout)),
    degraded: "community",
  };
  const { given } = page;
  const belowGiven = (given: string[]): Step[] => [
    {
      made: timed("given", () => requestedFeedUnranked(services, caller, { ...page, given }, communityTimeout)),
      degraded: "unranked",
    },
  ];
  function* steps(): Generator<Step> {
    const asksForList = mode === "batch" && !given;
    if (asksForList) yield { ...list, degraded: null };
    const ofFeed: Step[] = asksForList ? [community] : [{ ...list, degraded: "batch" }, community];
    const below = given ? belowGiven(given) : ofFeed;
    // the breaker is asked as late as this: a user who may try and has a list would otherwise use up the try
    yield* services.breaker.mayTry(caller.sub ?? anyVisitor) ? [live, ...below] : [...below, live];
  }
  const started = performance.now();
  let first: AppError | undefined;
  for (const { made, degraded } of steps()) {
    try {
      const recommendation = await made();
      if (!recommendation) continue;
      if (first) services.log(first.code, first);
      recommendation.feed.degraded ??= degraded;
      await Promise.all([
        nameTopics(services, reader, recommendation.feed, span),
        describe(services, reader, recommendation, span),
      ]);
      return recommendation;
    } catch (thrown) {
      first ??= errorTo(reader, thrown);
      if (!degradable.has(first.code) || performance.now() - started > patience) break;
    }
  }
  throw first;
}

/** Says of each post what it is about; where that cannot be had the feed goes without. */
async function nameTopics({ topics }: FeedServices, { caller }: Reader, { items }: Feed, span: Span): Promise<void> {
  const ended = span("topics");
  const known = await topics.of(items.map(({ post_id }) => post_id));
  for (const item of items) {
    const topic = known.get(item.post_id);
    if (topic?.label && (topic.isPublic || caller.sub !== undefined)) item.topic = { id: topic.id, label: topic.label };
  }
  ended();
}

/** Says of each post what a card shows; where that cannot be read the feed goes without. */
async function describe(
  { pool, log }: FeedServices,
  { caller }: Reader,
  { feed: { items }, described }: FeedResult,
  span: Span,
): Promise<void> {
  const ended = span("descriptions");
  await describeItems(pool, caller, items, communityTimeout, described).catch((error) =>
    log("undescribed_posts", error),
  );
  ended();
}

/** The live feed; `breaker` is told how it went. */
async function watched(breaker: CircuitBreaker, reader: Reader, make: () => Promise<FeedResult>): Promise<FeedResult> {
  try {
    const recommendation = await make();
    breaker.made();
    return recommendation;
  } catch (thrown) {
    if (toAppError(thrown).code === "database_timeout") breaker.tookTooLong(reader.caller.sub ?? anyVisitor);
    throw thrown;
  }
}

/** All visitors are one: as so many people, one of them with costly filters could end the live feeds of others. */
const anyVisitor = "a visitor";

interface Step {
  /** null: this step has nothing. */
  made: () => Promise<FeedResult | null>;
  degraded: Feed["degraded"];
}

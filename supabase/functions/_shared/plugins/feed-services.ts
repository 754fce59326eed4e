/** What feeds are made with in one worker, and what it keeps from one feed to the next. */
import type { Pool } from "../database/database.ts";
import type { Replica } from "../database/replica.ts";
import type { Log } from "../http/log.ts";
import type { ModelCache } from "../models/models.ts";
import { createCircuitBreaker } from "../recommend/fallback/circuit-breaker.ts";
import { createConversationCache } from "../recommend/hydration/conversations.ts";
import { createEditTimeCache } from "../recommend/hydration/edit-times.ts";
import { openMaskedTitles } from "../recommend/hydration/masked-titles.ts";
import { createTopicCache } from "../recommend/hydration/topics.ts";
import { createImpressionLogger } from "../recommend/logging/impression-logger.ts";
import { createExplorationStatsCache } from "../recommend/selection/exploration-stats.ts";
import { createGlobalCandidatesCache } from "../recommend/sources/global-candidates.ts";
import { createPlugins } from "./plugins.ts";

/** `replica`: what reads what is everybody's; left out: `pool` does. */
export function openFeedServices(pool: Pool, models: ModelCache, log: Log, replica?: Replica) {
  return {
    pool,
    replica,
    models,
    log,
    commonPosts: createGlobalCandidatesCache(),
    trials: createExplorationStatsCache(),
    topics: createTopicCache(pool, log),
    conversations: createConversationCache(pool, log),
    edits: createEditTimeCache(pool, log),
    titles: openMaskedTitles(pool, log),
    breaker: createCircuitBreaker(),
    impressions: createImpressionLogger(pool),
    plugIns: createPlugins(pool, models),
  };
}
export type RecommendServices = ReturnType<typeof openFeedServices>;

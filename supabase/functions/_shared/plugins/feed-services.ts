/** What feeds are made with in one worker, and what it keeps from one feed to the next. */
import type { Pool } from "../database/database.ts";
import type { Replica } from "../database/replica.ts";
import type { Log } from "../http/log.ts";
import type { ModelCache } from "../models/models.ts";
import { createCircuitBreaker } from "../recommend/circuit-breaker.ts";
import { createGlobalCandidatesCache } from "../recommend/common-posts.ts";
import { createConversationCache } from "../recommend/conversations.ts";
import { createEditTimeCache } from "../recommend/edits.ts";
import { createImpressionLogger } from "../recommend/log-impressions.ts";
import { openMaskedTitles } from "../recommend/masked-titles.ts";
import { createTopicCache } from "../recommend/topics.ts";
import { createExplorationStatsCache } from "../recommend/trials.ts";
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

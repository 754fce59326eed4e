/** What feeds are made with in one worker, and what it keeps from one feed to the next. */
import type { Pool } from "../database/database.ts";
import type { Replica } from "../database/replica.ts";
import type { Log } from "../http/log.ts";
import type { ModelCache } from "../models/models.ts";
import { circuitBreaker } from "../recommend/circuit-breaker.ts";
import { openCommonPosts } from "../recommend/common-posts.ts";
import { openConversations } from "../recommend/conversations.ts";
import { openEdits } from "../recommend/edits.ts";
import { impressionLog } from "../recommend/log-impressions.ts";
import { openMaskedTitles } from "../recommend/masked-titles.ts";
import { openTopics } from "../recommend/topics.ts";
import { openTrials } from "../recommend/trials.ts";
import { openPlugIns } from "./plug-ins.ts";

/** `replica`: what reads what is everybody's; left out: `pool` does. */
export function openFeedServices(pool: Pool, models: ModelCache, log: Log, replica?: Replica) {
  return {
    pool,
    replica,
    models,
    log,
    commonPosts: openCommonPosts(),
    trials: openTrials(),
    topics: openTopics(pool, log),
    conversations: openConversations(pool, log),
    edits: openEdits(pool, log),
    titles: openMaskedTitles(pool, log),
    breaker: circuitBreaker(),
    impressions: impressionLog(pool),
    plugIns: openPlugIns(pool, models),
  };
}
export type RecommendServices = ReturnType<typeof openFeedServices>;

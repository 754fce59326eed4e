/** What feeds are made with in one worker, and what it keeps from one feed to the next. */
import type { Pool } from "../database/database.ts";
import type { Log } from "../http/log.ts";
import type { ModelCache } from "../models/models.ts";
import { openCommonPosts } from "./common-posts.ts";
import { impressionLog } from "./log-impressions.ts";
import { openShadows } from "./shadow/shadows.ts";
import { openStalls } from "./stalls.ts";
import { openTopics } from "./topics.ts";
import { openTrials } from "./trials.ts";

export function openFeedServices(pool: Pool, models: ModelCache, log: Log) {
  return {
    pool,
    models,
    log,
    commonPosts: openCommonPosts(),
    trials: openTrials(),
    topics: openTopics(pool, log),
    stalls: openStalls(),
    impressions: impressionLog(pool),
    shadows: openShadows(pool, models),
  };
}
export type RecommendServices = ReturnType<typeof openFeedServices>;

/**
 * Shadows at work: a second model scores a share of the requests once they are answered, and what it says of the posts that were shown is
 * logged. No feed waits for it or fails with it; where a worker has no time to spare it is given up.
 */
import type { Pool } from "../../database/database.ts";
import type { BackgroundTask } from "../../http/background-queue.ts";
import type { ModelCache } from "../../models/models.ts";
import type { SideEffect } from "../../recommend/pipeline/types.ts";
import { servedPositions } from "../../recommend/request/cursor.ts";
import { readShadows, type Shadow, shadowOf } from "./active-shadows.ts";
import { logShadow } from "./log-shadow.ts";
import { replayPage } from "./replay-page.ts";
import { type ServedFeed, shadowScores } from "./shadow-scores.ts";

/** How long a worker goes by what it read of which shadows run, in milliseconds. */
const knownFor = 10_000;

/** The shadows of one worker. `now`: milliseconds of any clock. */
export function createShadowScorer(pool: Pool, models: ModelCache, now = () => performance.now()): SideEffect {
  let running: Shadow[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  const work: BackgroundTask<ServedFeed> = { code: "shadow_failed", do: scoreAll };
  // a skipped shadow under load is no failure
  const look: BackgroundTask<ServedFeed> = { code: "shadow_failed", mayBeLost: true, do: readAndScore };

  return ({ feed, shownAt, decision, credits, promoted }, caller, inSpareTime) => {
    // where several models or a promotion made a page, a post has no one place to compare a shadow's with
    if (!decision || credits || promoted) return;
    // nothing is kept of what they are shown
    if (decision.found.context.feed === "impersonal") return;
    const answered = { requestId: feed.request_id, caller, shownAt, decision };
    if (now() - lookedAt >= knownFor) {
      // also where it fails: what is broken is not asked with every request
      lookedAt = now();
      inSpareTime(look, answered);
    } else if (shadowOf(feed.request_id, running)) inSpareTime(work, answered);
  };

  async function readAndScore(answered: ServedFeed[]): Promise<void> {
    running = await readShadows(pool).catch((error) => {
      running = [];
      throw error;
    });
    await scoreAll(answered);
  }

  async function scoreAll(answered: ServedFeed[]): Promise<void> {
    for (const each of answered) {
      const shadow = shadowOf(each.requestId, running);
      if (shadow) await score(each, shadow.model_id);
    }
  }

  async function score(answered: ServedFeed, modelId: number): Promise<void> {
    const { decision } = answered;
    const { found, page, ranked, selected } = decision;
    const scores = await shadowScores({ pool, models }, answered, modelId);
    if (!scores) return;
    const { limit, served } = page;
    const made = { limit, beginsFeed: servedPositions(served) === 0 };
    const places = replayPage(selected, ranked, scores, made, found.context.settings);
    await logShadow(pool, answered, modelId, places);
  }
}

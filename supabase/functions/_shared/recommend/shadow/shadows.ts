/**
 * Shadows at work: a second model scores a share of the requests once they are answered, and what it says of the posts that were shown is
 * logged. No feed waits for it or fails with it; where a worker has no time to spare it is given up.
 */
import type { Pool } from "../../database/database.ts";
import type { Work } from "../../http/background.ts";
import type { ModelCache } from "../../models/models.ts";
import { logShadow } from "./log-shadow.ts";
import { replay } from "./replay.ts";
import { readShadows, type Shadow, shadowOf } from "./running.ts";
import { type Answered, shadowScores } from "./shadow-scores.ts";

/** How long a worker goes by what it read of which shadows run, in milliseconds. */
const knownFor = 10_000;

export interface Shadows {
  /** Whether a shadow scores the request, as far as is known: true, too, where nobody has looked for a while. */
  mayWant(requestId: string): boolean;
  /** Scores a request by its shadow. */
  work: Work<Answered>;
}

/** The shadows of one worker. `now`: milliseconds of any clock. */
export function openShadows(pool: Pool, models: ModelCache, now = () => performance.now()): Shadows {
  let running: Shadow[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  const isKnown = () => now() - readAt < knownFor;

  return {
    mayWant: (requestId) => !isKnown() || shadowOf(requestId, running) !== null,
    work: {
      code: "shadow_failed",
      async do(answered) {
        if (!isKnown()) {
          // also where it fails: what is broken is not asked with every request
          readAt = now();
          running = await readShadows(pool).catch((error) => {
            running = [];
            throw error;
          });
        }
        for (const each of answered) {
          const shadow = shadowOf(each.requestId, running);
          if (shadow) await score(each, shadow.model_id);
        }
      },
    },
  };

  async function score(answered: Answered, modelId: string): Promise<void> {
    const { decision } = answered;
    const { found, page, ranked, selected } = decision;
    const scores = await shadowScores({ pool, models }, answered, modelId);
    if (!scores) return;
    const { draw_temperature } = found.context;
    const places = replay(selected, ranked, scores, page.limit, found.context, draw_temperature);
    await logShadow(pool, answered, modelId, places);
  }
}

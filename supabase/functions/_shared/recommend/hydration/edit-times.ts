/** When posts were edited, cached by a worker: an old post edited to repeat a newer one says it later. */

import type { Pool, Query } from "../../database/database.ts";
import { db, instantOf, milliseconds } from "../../database/query.ts";
import { readAs, service } from "../../database/run-as-caller.ts";
import type { Log } from "../../http/log.ts";
import type { PostCandidate } from "../context/user-state.ts";

/** In milliseconds. */
const keptFor = 60_000;
/** The latest: 2 MB. Older edits count as none. */
const mostKept = 20_000;
/** Nothing of a feed waits for it longer. */
const timeout = "250ms";
/** A transaction that began earlier may be committed later. */
const overlap = 60_000;

export function createEditTimeCache(pool: Pool, log: Log, clock = () => performance.now()) {
  let known = new Map<string, number>();
  let latest = Number.NEGATIVE_INFINITY;
  let keptUntil = Number.NEGATIVE_INFINITY;
  return {
    /** When each of the latest posts was edited. Throws nothing. */
    async known(): Promise<ReadonlyMap<string, number>> {
      const now = clock();
      if (now < keptUntil) return known;
      // requests meanwhile get the known values
      keptUntil = now + keptFor;
      try {
        if (known.size >= 2 * mostKept) [known, latest] = [new Map(), Number.NEGATIVE_INFINITY];
        const read = await readAs(pool, service, readEdits(latest - overlap), async (_, rows) => rows, timeout);
        for (const { post_id, edited_at } of read) {
          known.set(post_id, edited_at);
          latest = Math.max(latest, edited_at);
        }
      } catch (error) {
        log("edits_failed", error);
      }
      return known;
    },
  };
}
export type Edits = ReturnType<typeof createEditTimeCache>;

/** Tells posts when they were edited. */
export async function hydrateEditTimes(edits: Edits, posts: PostCandidate[]): Promise<void> {
  const known = await edits.known();
  if (known.size > 0) for (const post of posts) post.edited_at = known.get(post.post_id) ?? null;
}

function readEdits(since: number): Query<{ post_id: string; edited_at: number }> {
  const latest = db
    .selectFrom("recsys_engine.edited_posts")
    .select(({ ref }) => ["post_id", milliseconds(ref("edited_at")).as("edited_at")])
    .orderBy("recsys_engine.edited_posts.edited_at", "desc")
    .limit(mostKept);
  return since === Number.NEGATIVE_INFINITY
    ? latest
    : latest.where("recsys_engine.edited_posts.edited_at", ">", instantOf(since));
}

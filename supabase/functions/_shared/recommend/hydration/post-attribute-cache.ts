/**
 * What a worker caches of posts besides what ranks them: topics and conversations. Such a fact changes when a post is edited, and that may be shown a
 * minute later. Read as the service, of posts that the caller is shown, or may be.
 */

import type { Pool, Query } from "../../database/database.ts";
import { readAs, service } from "../../database/run-as-caller.ts";
import type { Log } from "../../http/log.ts";

/** In milliseconds. */
const keptFor = 60_000;
/** Of so many posts: 3 MB. More begin from scratch. */
const keptPosts = 20_000;
/** Nothing of a feed waits for it longer; where it takes longer, or fails, feeds do without for ten seconds. */
const timeout = "250ms";
const pause = 10_000;

/** One row. */
export interface PostAttributesRow<Fact> {
  /** Whether any post may have such a fact: where none does, no other is asked for. */
  any: boolean;
  /** By post; null: none of these has one. */
  facts: Record<string, Fact> | null;
}

/** `name`: what the log says where they cannot be read. */
export function createPostAttributeCache<Fact>(
  pool: Pool,
  log: Log,
  name: "topics_failed" | "conversations_failed",
  read: (postIds: string[]) => Query<PostAttributesRow<Fact>>,
  clock = () => performance.now(),
) {
  let known = new Map<string, Fact | null>();
  let keptUntil = 0;
  let notBefore = 0;
  let none = false;
  return {
    /** Of some posts those that have one; none of what cannot be had just now. Throws nothing. */
    async of(postIds: string[]): Promise<Map<string, Fact>> {
      const now = clock();
      if (now >= keptUntil || known.size > keptPosts) {
        known = new Map();
        none = false;
        keptUntil = now + keptFor;
      }
      const unknown = none ? [] : postIds.filter((id) => !known.has(id));
      if (unknown.length > 0 && now >= notBefore) {
        const into = known;
        try {
          const [{ any, facts }] = await readAs(pool, service, read(unknown), async (_, rows) => rows, timeout);
          none = !any;
          for (const id of unknown) into.set(id, facts?.[id] ?? null);
        } catch (error) {
          notBefore = clock() + pause;
          log(name, error);
        }
      }
      const found = new Map<string, Fact>();
      for (const id of postIds) {
        const fact = known.get(id);
        if (fact) found.set(id, fact);
      }
      return found;
    },
  };
}
export type PostAttributeCache<Fact> = ReturnType<typeof createPostAttributeCache<Fact>>;

/**
 * Which titles an app shows their reader otherwise than they are, such as "[members only]". Of these nothing is one conversation by its title: it would fold
 * all of them into one. Asked of titles alone that several posts have, which are nearly always none.
 */

import type { Pool } from "../../database/database.ts";
import { anyOf, db, textOf } from "../../database/query.ts";
import { readAs, service } from "../../database/run-as-caller.ts";
import type { Log } from "../../http/log.ts";
import type { PostCandidate } from "../context/user-state.ts";
import { sharingTitles } from "../selection/duplicates.ts";

/** Of so many posts: 2 MB. More begin from scratch. */
const keptPosts = 10_000;
/** Nothing of a feed waits for it longer; where it takes longer, or fails, titles count as they are read for ten seconds. */
const timeout = "250ms";
const pause = 10_000;

export function openMaskedTitles(pool: Pool, log: Log, clock = () => performance.now()) {
  const known = new Map<string, string>();
  let notBefore = 0;
  return {
    /** Tells posts whether their title is masked, as far as they share it with others or with one of `titles`. Throws nothing. */
    async tell(posts: PostCandidate[], titles: string[]): Promise<void> {
      const sharing = sharingTitles(posts, titles);
      // an edited title differs, too
      const unlike = sharing.filter(({ post_id, title }) => known.get(post_id) !== title);
      if (unlike.length === 0 || clock() < notBefore) return;
      try {
        if (known.size > keptPosts) known.clear();
        const ids = unlike.map(({ post_id }) => post_id);
        for (const { post_id, title } of await readAs(pool, service, readTitles(ids), async (_, rows) => rows, timeout))
          known.set(post_id, title);
      } catch (error) {
        notBefore = clock() + pause;
        log("titles_failed", error);
        return;
      }
      for (const post of unlike) post.is_masked = known.get(post.post_id) !== post.title;
    },
  };
}
export type MaskedTitles = ReturnType<typeof openMaskedTitles>;

function readTitles(ids: string[]) {
  return db
    .selectFrom("recsys.source_posts")
    .select(({ ref }) => ["post_id", textOf(ref("title")).as("title")])
    .where("post_id", "=", anyOf(ids));
}

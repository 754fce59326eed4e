/**
 * The operator's promotions (recsys.promotions) and the floor of small groups, read in the transaction of the feed
 * that may show them.
 */

import type { Connection, Query } from "../../database/database.ts";
import { db, fn } from "../../database/query.ts";
import { queryAsService } from "../../database/run-as-caller.ts";
import { emptyRanks } from "../../features/retrieval.ts";
import type { PageInputs, PromotionProvider } from "../../recommend/pipeline/types.ts";
import { type PostColumnArrays, postsFromColumns } from "../../recommend/post-cache/post-cache.ts";
import { candidateOf } from "../../recommend/sources/build-candidate.ts";
import { applyPromotionFactors, insertPinned, type Promotion, withoutPinned } from "./apply-promotions.ts";

/** What recsys_engine.promoted_posts returns. */
interface Promoted {
  promotions: Promotion[];
  /** Those that no source brought. */
  posts: PostColumnArrays;
  served_keys: number[];
}

/** How long a worker goes by what it read of whether there are any, in milliseconds: mostly there are none, and nothing more is asked. */
const knownFor = 10_000;

/** How long it goes by what it read of the smallest groups. */
const groupsKnownFor = 60_000;

/** Those of one worker. */
export function createPromotionProvider(): PromotionProvider {
  let areAny = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const ofSmallGroups = openSmallGroups();
  return {
    async prepare(asked, { commonPosts }) {
      const { connection, reader, found } = asked;
      const { role } = reader.caller;
      const { model_id, feature_store, now } = found.context;
      if (performance.now() - lookedAt >= knownFor) {
        const open = db.selectFrom("recsys.promotions").select("promotion_id").where("ends_at", ">", now).limit(1);
        areAny = (await queryAsService(connection, role, open)).length > 0;
        lookedAt = performance.now();
      }
      const { group_floor, group_by } = found.context.settings;
      if (!areAny && group_floor === 0) return null;
      const ended = asked.span("promotions");
      const smallGroups = group_floor > 0 ? await ofSmallGroups(connection, role, group_by) : [];
      const [{ promoted }] = await queryAsService(connection, role, promotedTo(asked, smallGroups));
      const { promotions, served_keys } = promoted;
      const posts = postsFromColumns(promoted.posts);
      const known = await commonPosts.known.of(
        connection,
        role,
        model_id,
        feature_store,
        posts.map(({ post_id }) => post_id),
      );
      ended();
      if (promotions.length === 0 && posts.length === 0) return null;
      return {
        posts: posts.map((post, i) =>
          candidateOf(
            post,
            known[i],
            { ...found.ofCaller(post), ranks: emptyRanks(), served_key: served_keys[i] },
            found.vector,
          ),
        ),
        weighed: (scored) => applyPromotionFactors(scored, promotions),
        unpinned: (scored, page) => withoutPinned(scored, page, promotions),
        placed: (made, scored, page) => insertPinned(made, scored, page, promotions),
      };
    },
  };
}

/** Posts of the smallest groups, as a worker knows them. */
function openSmallGroups() {
  let known: { by: string; ids: string[]; until: number } | undefined;
  return async (connection: Connection, role: string, by: string): Promise<string[]> => {
    if (known?.by === by && performance.now() < known.until) return known.ids;
    const asked = fn("recsys_engine.small_group_posts", { p_group_by: by }).$castTo<string[]>();
    const [{ ids }] = await queryAsService(connection, role, db.selectNoFrom(asked.as("ids")));
    known = { by, ids, until: performance.now() + groupsKnownFor };
    return ids;
  };
}

function promotedTo(
  { reader: { caller }, page, found }: PageInputs,
  smallGroups: string[],
): Query<{ promoted: Promoted }> {
  const promoted = fn("recsys_engine.promoted_posts", {
    p_role: caller.role,
    p_user_id: caller.sub ?? null,
    p_now: found.context.now,
    p_candidates: found.posts.map(({ post_id }) => post_id),
    p_filter: page.filter ? JSON.stringify(page.filter) : null,
    p_seed: String(page.served.seed),
    p_served: page.served.keys,
    p_small_groups: smallGroups,
    p_floor: found.context.settings.group_floor,
  });
  return db.selectNoFrom(promoted.$castTo<Promoted>().as("promoted"));
}

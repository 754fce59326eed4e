import type { Identity } from "../database/caller.ts";
import type { Connection } from "../database/database.ts";
import type { Span } from "../http/span.ts";
import type { CommonPostsCache } from "./common-posts.ts";
import type { Page } from "./cursor.ts";
import type { ContextRow } from "./read-context.ts";
import { retrieve } from "./retrieve.ts";
import type { PostCandidate } from "./states.ts";

/**
 * The stage that finds the candidates: from what is common to all feeds where that does, else from all sources at once. `connection` is in a
 * transaction of the caller's (without `sub`: a visitor); `vector` [32] is theirs, null without a model. Throws ModelGone.
 */
export async function candidatesOf(
  connection: Connection,
  commonPosts: CommonPostsCache,
  caller: Identity,
  { model_id: modelId, feature_store: version, now }: ContextRow,
  vector: Float32Array | null,
  page: Page,
  span: Span,
): Promise<PostCandidate[]> {
  const { role } = caller;
  const known = (ids: string[]) => commonPosts.known.of(connection, role, modelId, version, ids);
  const asked = { modelId, vector, page, known };
  // travels with what is asked next
  const advanced = commonPosts.known.advance(connection, role, version);
  // it is waited for below, unless something else fails before
  advanced.catch(() => undefined);
  if (!page.filter) {
    const ofCommon = span("common");
    const common = await commonPosts.of(connection, role, version, Number(now));
    ofCommon();
    // a small community is asked for as a whole: what is written there with an earlier date is in the next feed, too
    if (common.cut.active) {
      const ofSources = span("sources");
      const [found] = await Promise.all([retrieve(connection, caller, { ...asked, common }), advanced]);
      ofSources();
      if (found) return found;
    }
  }
  const ofAll = span("all_sources");
  const [found] = await Promise.all([retrieve(connection, caller, { ...asked, common: null }), advanced]);
  ofAll();
  return found ?? [];
}

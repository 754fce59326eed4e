import type { Identity } from "../database/caller.ts";
import type { Connection } from "../database/database.ts";
import type { Span } from "../http/span.ts";
import type { CommonPostsCache } from "./common-posts.ts";
import type { Page } from "./cursor.ts";
import type { ContextRow } from "./read-context.ts";
import { type Retrieved, retrieve } from "./retrieve.ts";
import type { Way } from "./ways.ts";

/**
 * The stage that finds the candidates: from what is common to all feeds where that does, from what the caller may read where that is little, else from
 * all sources at once. `connection` is in a transaction of the caller's (without `sub`: a visitor); `vector` [32] is theirs, null without a model. Throws
 * ModelGone.
 */
export async function candidatesOf(
  connection: Connection,
  commonPosts: CommonPostsCache,
  caller: Identity,
  { model_id: modelId, feature_store: version, now }: ContextRow,
  vector: Float32Array | null,
  page: Page,
  span: Span,
): Promise<Retrieved> {
  const { role, sub } = caller;
  const { ways } = commonPosts;
  const known = (ids: string[]) => commonPosts.known.of(connection, role, modelId, version, ids);
  let isFew = false;
  const tellFew = (told: boolean) => {
    isFew = told;
  };
  const asked = { modelId, vector, page, known, tellFew };
  // of later pages and filters much is left out for other reasons
  const keep = (way: Way) => !page.filter && page.served.keys.length === 0 && ways.keep(sub, way);
  // travels with what is asked next
  const advanced = commonPosts.known.advance(connection, role, version);
  // it is waited for below, unless something else fails before
  advanced.catch(() => undefined);
  if (page.given) {
    const [found] = await Promise.all([retrieve(connection, caller, { ...asked, common: null }), advanced]);
    return found as Retrieved;
  }
  const remembered = ways.of(sub);
  const way = remembered ?? ways.guess();
  let looksForFew = remembered === undefined || remembered === "few";
  if (!page.filter && way !== "all") {
    const ofCommon = span("common");
    const common = await commonPosts.of(connection, role, version, Number(now));
    ofCommon();
    // a small community is asked for as a whole: what is written there with an earlier date is in the next feed, too
    if (common.cut.active) {
      const looksFirst = way === "few";
      const ofSources = span("sources");
      const asking = retrieve(connection, caller, { ...asked, common, isFew: looksFirst });
      const [found] = await Promise.all([asking, advanced]);
      ofSources();
      if (found) keep(isFew ? "few" : "common");
      if (found) return found;
      looksForFew = !looksFirst;
    }
  }
  const ofAll = span("all_sources");
  const asking = retrieve(connection, caller, { ...asked, common: null, isFew: looksForFew });
  const [found] = await Promise.all([asking, advanced]);
  ofAll();
  keep(isFew ? "few" : "all");
  return found as Retrieved;
}

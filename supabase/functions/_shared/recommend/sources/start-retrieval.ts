import type { Connection } from "../../database/database.ts";
import type { Identity } from "../../database/run-as-caller.ts";
import type { Span } from "../../http/span.ts";
import type { ContextRow } from "../context/read-context.ts";
import type { Page } from "../request/cursor.ts";
import type { GlobalCandidatesCache } from "./global-candidates.ts";
import { noGlobalCandidates } from "./read-global-candidates.ts";
import { type RetrievalRequest, type RetrievalResult, retrieve } from "./retrieve.ts";
import type { RetrievalStrategy } from "./strategy-memory.ts";

/**
 * Starts retrieval: from the common posts where these do, else from a small set of readable posts, else from all sources together.
 * Queries without a vector start at once. Returns a function of the caller's vector [32] (null: no model); throws ModelDroppedError.
 */
export function startRetrieval(
  connection: Connection,
  commonPosts: GlobalCandidatesCache,
  caller: Identity,
  { model_id: modelId, feature_store: version, now, scopes }: ContextRow,
  page: Page,
  span: Span,
  own?: string,
): (vector: Float32Array | null) => Promise<RetrievalResult> {
  const { role, sub } = caller;
  const { ways, ofScopes } = commonPosts;
  const known = (ids: string[]) => commonPosts.known.of(connection, role, modelId, version, ids);
  // of later pages and filters much is left out for other reasons
  const keep = (way: RetrievalStrategy) => !page.filter && page.served.keys.length === 0 && ways.keep(sub, way);
  const advanced = commonPosts.known.advance(connection, role, version);
  const remembered = ways.of(sub);
  const way =
    page.given || page.filter ? "all" : (remembered ?? (ofScopes.has(scopes, modelId) ? "all" : ways.guess()));
  const ofCommon = way !== "all" ? span("common") : undefined;
  const kept = ofCommon && commonPosts.of(connection, role, version, Number(now)).finally(ofCommon);
  // in an app without scopes, a user without any needs no query: it would be one more round trip
  const asksScopes =
    way === "all" && !page.given && !page.filter && (scopes.length > 0 || ofScopes.has(scopes, modelId));
  const ofScope = asksScopes ? span("scope") : undefined;
  const asOf = { modelId, featureStore: version, now: Number(now) };
  const keptOfScopes = ofScope && ofScopes.of(connection, role, scopes, asOf).finally(ofScope);
  // they are waited for below, unless something else fails before
  for (const asked of [advanced, kept, keptOfScopes]) asked?.catch(() => undefined);

  return async (vector) => {
    let isFew = false;
    const tellFew = (told: boolean) => {
      isFew = told;
    };
    const ask = async (from: Pick<RetrievalRequest, "common" | "isFew" | "ofScopes">) => {
      const asked = { modelId, vector, page, known, tellFew, own, ...from };
      const [found] = await Promise.all([retrieve(connection, caller, asked), advanced]);
      return found;
    };
    if (page.given) return (await ask({ common: null })) as RetrievalResult;
    let looksForFew = remembered === undefined || remembered === "few";
    const common = await kept;
    // a small community is asked for as a whole: what is written there with an earlier date is in the next feed, too
    if (common?.cut.active) {
      const looksFirst = way === "few";
      const ofSources = span("sources");
      const found = await ask({ common, isFew: looksFirst });
      ofSources();
      if (found) keep(isFew ? "few" : "common");
      if (found) return found;
      looksForFew = !looksFirst;
    }
    const ofTheirs = await keptOfScopes;
    if (vector && ofTheirs) {
      const ofSources = span("scope_sources");
      const found = await ask({
        common: noGlobalCandidates(ofTheirs.at),
        ofScopes: ofTheirs.best(vector),
        isFew: false,
      });
      ofSources();
      if (found) keep("all");
      if (found) return found;
    }
    const ofAll = span("all_sources");
    const found = await ask({ common: null, isFew: looksForFew });
    ofAll();
    keep(isFew ? "few" : "all");
    return found as RetrievalResult;
  };
}

/** What the model of a shadow says of the candidates of a feed that was answered. */

import { type Pool, run } from "../../database/database.ts";
import { type Identity, readAs } from "../../database/run-as-caller.ts";
import type { ModelCache } from "../../models/models.ts";
import { type PostCandidate, userState } from "../../recommend/context/user-state.ts";
import type { RankingDecision } from "../../recommend/pipeline/types.ts";
import { readHistoryComponents, readPostSnapshots } from "../../recommend/post-cache/post-cache.ts";
import type { PostSnapshot } from "../../recommend/post-cache/snapshot-store.ts";
import { headWeights } from "../../recommend/request/feed-settings.ts";
import { type ScoredPost, scoreWithModel } from "../../recommend/scoring/score.ts";
import { similarityOf } from "../../recommend/sources/build-candidate.ts";
import { embedUser } from "../../towers/embed-users.ts";
import { userInput } from "../../towers/user-input.ts";
import { readNearness, readUser } from "./read-shadow.ts";

/** A feed that was answered. */
export interface ServedFeed {
  requestId: string;
  /** The claims of the user whose feed it was. */
  caller: Identity & { sub: string };
  /** The engine's instant for which it held. */
  shownAt: Date;
  decision: RankingDecision;
}

/** What a shadow makes of the candidates. */
export interface ShadowScores {
  /** All of them as it sees them, by post_id. */
  candidates: Map<string, PostCandidate>;
  /** Those that it can rank. */
  scored: ScoredPost[];
}

/** As the request was, under its caller's role, but by another model; null: the user is gone, or has had all impressions that are kept of a day. Throws where the model cannot serve. */
export async function shadowScores(
  { pool, models }: { pool: Pool; models: ModelCache },
  { caller, decision: { found, page } }: ServedFeed,
  modelId: number,
): Promise<ShadowScores | null> {
  const { context } = found;
  const now = Number(context.now);
  const read = await readAs(
    pool,
    caller,
    readUser(caller.sub, modelId, context.now),
    async (connection, [row]) => {
      if (!row) throw new Error(`model ${modelId} of a shadow does not serve any more: recsys.stop_shadow(name)`);
      if (!row.known || row.has_full_day) return null;
      const { model_name: name, feature_spec_digest: featureSpecDigest } = row;
      const model = await models({ id: modelId, name, featureSpecDigest }, connection, ["user_tower", "dlrm"]);
      // what the request said of its reader is in the passions of the served one
      const input = { ...userInput(row), passions: found.input.passions };
      const vector = await embedUser(model, input);
      const ids = found.posts.map(({ post_id }) => post_id);
      const knownOf = (ids: string[]) => readPostSnapshots(connection, caller.role, modelId, ids);
      const [near, known, own_history] = await Promise.all([
        run(connection, readNearness(caller.sub, modelId, vector, context.now, page, ids)),
        knownOf(ids),
        readHistoryComponents(model, row.history_posts, knownOf),
      ]);
      return { row: { ...row, own_history }, model, input, vector, near, known };
    },
    "2s",
  );
  if (!read) return null;
  const { row, model, input, vector, near, known } = read;
  const posts = found.posts.map((post, i) => asSeenBy(vector, post, known[i], near[i].rank));
  const weights = headWeights(context.settings);
  const state = userState({ ...context, ...row }, input.history);
  const scored = await scoreWithModel(model, state, vector, posts, { now, weights }, []);
  return { candidates: new Map(posts.map((post) => [post.post_id, post])), scored };
}

/** A candidate with its vector of another model, and how near it is to the user by that. */
function asSeenBy(
  vector: Float32Array,
  post: PostCandidate,
  { embedding, components }: PostSnapshot,
  rank: number | null,
): PostCandidate {
  return {
    ...post,
    embedding,
    components,
    similarity: similarityOf(embedding, vector),
    ranks: { ...post.ranks, similar: rank },
  };
}

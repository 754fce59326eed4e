/** The lists of a page of users: retrieval as of the run's instant, and the code that ranks a live feed. */

import { sql } from "kysely";
import type { Database } from "../../db/connect.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db, fn, instantOf, milliseconds, unnest } from "../../supabase/functions/_shared/database/query.ts";
import { parseVector } from "../../supabase/functions/_shared/database/vectors.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../supabase/functions/_shared/features/inner-product.ts";
import { type Head, optionalHeads, roundToFloat32 } from "../../supabase/functions/_shared/features/kinds.ts";
import { sources } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { UserInput } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import { repostFilter } from "../../supabase/functions/_shared/recommend/filters/reposts.ts";
import { primarySource } from "../../supabase/functions/_shared/recommend/page/explain-page.ts";
import { type Basis, basisOf } from "../../supabase/functions/_shared/recommend/request/feed-schema.ts";
import {
  settingsForHistory,
  withNewcomerPlaces,
} from "../../supabase/functions/_shared/recommend/request/feed-settings.ts";
import {
  dismissalMultiplier,
  normalizeTag,
} from "../../supabase/functions/_shared/recommend/scoring/dismissal-multiplier.ts";
import {
  combineHeads,
  isFiniteRow,
  predictCandidates,
} from "../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { selectPage } from "../../supabase/functions/_shared/recommend/selection/select-page.ts";
import type { Selectable, SelectionSettings } from "../../supabase/functions/_shared/recommend/selection/selectable.ts";
import { followedTopicBoost } from "../../supabase/functions/_shared/recommend/sources/retrieve.ts";
import { embedUsers } from "../../supabase/functions/_shared/towers/embed-users.ts";
import { authorCappedPosts } from "../data/replay/author-cap.ts";
import { componentsOf } from "../data/replay/community.ts";
import type { NumberedCandidate } from "../data/replay/retrieval-options.ts";
import { userText } from "../data/replay/texts.ts";
import { vectorAt } from "../models/nn/vector-at.ts";
import { meanVectorOf } from "../models/towers/model.ts";
import { type Mutes, readMutes } from "./mutes.ts";
import type { BatchList } from "./pages.ts";
import { justAfter, type Snapshot } from "./snapshot.ts";
import { readablePosts, titlesRead } from "./visibility.ts";

/** 50 posts, and 25 to spare: what is seen, dismissed, muted, hidden or deleted afterwards is left out when the list is served. */
export const batchListLength = 75;

export interface RankedPage {
  lists: BatchList[];
  /** Users whom the ranker failed on, and why it did on the last of them. */
  failed: number;
  error: unknown;
}

/** Ranks for each user of a page that is still there. One user's failure is theirs alone. */
export async function rankPage(database: Database, snapshot: Snapshot, userIds: string[]): Promise<RankedPage> {
  const users = await readUsers(database, snapshot, userIds);
  const page: RankedPage = { lists: [], failed: 0, error: undefined };
  if (users.length === 0) return page;
  const vectors = await embedUsers(
    snapshot.model,
    users.map(({ input }) => input),
  );
  const similar = await snapshot.nearest.to(
    vectors,
    users.map(({ excluded }) => excluded),
  );
  for (const [i, user] of users.entries())
    try {
      const vector = vectorAt(vectors, i);
      if (!vector.every(Number.isFinite)) throw new Error(`the user tower gives user ${user.id} no finite vector`);
      page.lists.push(await rankUser(snapshot, user, vector, similar[i]));
    } catch (error) {
      page.failed++;
      page.error = error;
    }
  return page;
}

/** A user of the page, and what only the database knows of them. */
interface PageUser {
  id: string;
  number: number;
  input: UserInput;
  /** Numbers of the posts of `input.history`. */
  past: number[];
  /** Numbers of posts that no source brings: their own, those withheld from them, and those they interacted with, dismissed, saw or muted. */
  excluded: Set<number>;
  /** undefined: they muted nothing. */
  mutes: Mutes | undefined;
  /** Numbers of posts that they may read and not everybody. */
  alsoReadable: number[];
  /** Ids of posts whose masked title this user may read. */
  titlesRead: Set<string>;
  /** What they dismissed lately and may read, and how many days ago. */
  dismissed: { post: number; days: number }[];
  countedUntil: number | undefined;
}

async function readUsers(database: Database, snapshot: Snapshot, userIds: string[]): Promise<PageUser[]> {
  const {
    community,
    run: { asOf, modelId },
    state,
    userNumbers,
    postNumbers,
    hidden,
    hiddenIds,
    maskedIds,
    muted,
  } = snapshot;
  const now = instantOf(asOf);
  const told = db
    .selectFrom(unnest({ user_id: ["uuid", userIds] }).as("listed"))
    .leftJoin("recsys.user_embeddings as own", (join) =>
      join.onRef("own.user_id", "=", "listed.user_id").on("own.model_id", "=", modelId),
    )
    .leftJoin("recsys_engine.user_affinities as kept", "kept.user_id", "listed.user_id")
    .select((user) => [
      "listed.user_id",
      milliseconds(user.ref("kept.until")).as("countedUntil"),
      "own.id_embedding",
      sql<
        string | null
      >`${fn("recsys_engine.user_components", { p_user_id: user.ref("listed.user_id"), p_model_id: modelId })}`.as(
        "vector",
      ),
      sql<string[]>`array(${user
        .selectFrom("recsys.source_dismissals as dismissals")
        .select("post_id")
        .whereRef("dismissals.user_id", "=", "listed.user_id")
        .where(
          "created_at",
          "<=",
          now,
        )} union all select unnest(${fn("recsys_engine.seen_posts", { p_user_id: user.ref("listed.user_id"), p_now: now })}))`.as(
        "excluded",
      ),
      sql<{
        lately: string[];
        days: number[];
      }>`to_json(${fn("recsys_engine.dismissed_posts", { p_user_id: user.ref("listed.user_id"), p_now: now })})`.as(
        "dismissed",
      ),
    ]);
  const [rows, readable, titles, mutes] = await Promise.all([
    run(database.pool, told),
    readablePosts(database, userIds, hiddenIds),
    titlesRead(database, userIds, maskedIds),
    readMutes(database, userIds),
  ]);
  return rows.flatMap(
    ({ user_id, countedUntil, id_embedding, vector, excluded: more, dismissed: { lately, days } }) => {
      const number = userNumbers.get(user_id);
      if (number === undefined) return [];
      const alsoReadable = (readable.get(user_id) ?? []).map((id) => postNumbers.get(id) as number);
      const mayRead = (post: number) => hidden[post] === 0 || alsoReadable.includes(post);
      const past = historyOf(snapshot, number, mayRead);
      const input = {
        ...userText(community, number),
        id_embedding: id_embedding === null ? null : parseVector(id_embedding),
        vector: vector === null ? null : parseVector(vector),
        history: past.map((post) => vectorAt(snapshot.postVectors, post)),
        followed: followedOf(snapshot, number, mayRead),
      };
      const excluded = new Set([...state.leftOut(number), ...state.withheldFrom(number)]);
      for (const id of more) {
        const post = postNumbers.get(id);
        if (post !== undefined) excluded.add(post);
      }
      const mutedBy = mutes.get(user_id);
      if (mutedBy) for (const post of muted.of(mutedBy)) excluded.add(post);
      const dismissed = lately.flatMap((id, i) => {
        const post = postNumbers.get(id);
        return post !== undefined && mayRead(post) ? { post, days: days[i] } : [];
      });
      const person = {
        id: user_id,
        number,
        input,
        past,
        excluded,
        mutes: mutedBy,
        titlesRead: new Set(titles.get(user_id)),
      };
      return { ...person, alsoReadable, dismissed, countedUntil: countedUntil ?? undefined };
    },
  );
}

/** Whether a user may read a post now, whatever they once did with it. */
type MayRead = (post: number) => boolean;

/** The posts of a user's history, as recsys_engine.user_context gives them. */
function historyOf({ histories, hasVector, run }: Snapshot, user: number, mayRead: MayRead): number[] {
  return histories.latest(user, justAfter(run)).filter((post) => hasVector[post] === 1 && mayRead(post));
}

/** recsys_engine.followed_vector, under the user's role. */
function followedOf({ histories, hasVector, postVectors, run }: Snapshot, user: number, mayRead: MayRead) {
  const posts = histories.followed(user, justAfter(run), mayRead);
  return meanVectorOf(
    posts.filter((post) => hasVector[post] === 1),
    postVectors,
  );
}

async function rankUser(
  snapshot: Snapshot,
  { id, number, input, past, excluded, mutes, alsoReadable, titlesRead, dismissed, countedUntil }: PageUser,
  vector: Float32Array,
  nearest: Int32Array,
): Promise<BatchList> {
  const { state, run, model, postVectors, hasVector, neighbours, community, circle, weights, selection, floor } =
    snapshot;
  const { conversations } = snapshot;
  let { hidden } = snapshot;
  let similar = nearest;
  if (alsoReadable.length > 0) {
    hidden = hidden.slice();
    for (const post of alsoReadable) hidden[post] = 0;
    similar = withAlso(
      snapshot,
      vector,
      nearest,
      alsoReadable.filter((post) => !excluded.has(post)),
    );
  }
  const found = state.candidates(number, run.asOf, vector, postVectors, {
    hidden,
    countedUntil,
    similar,
    excluded,
    neighbours,
    floor,
  });
  const candidates = mutes ? found.filter(({ post }) => !snapshot.muted.contains(post, mutes)) : found;
  for (const candidate of candidates) if (hasVector[candidate.post] === 0) candidate.embedding = null;
  const basis = basisOf(input);
  // the graph takes one candidate or more
  if (candidates.length === 0) return listOf(id, basis, [], new Float32Array(), model.heads);
  const reader = { ...state.user(number, input.history, hidden), own_history: componentsOf(community, past) };
  const opinion = await predictCandidates(model, reader, vector, candidates, run.asOf, snapshot.rowOf);
  const { probabilities } = opinion;
  const { authors, ids, tags, titles } = community.posts;
  const afterDismissals = dismissalMultiplier(
    dismissed.slice(0, 50).map(({ post, days }) => ({
      author_id: community.users.ids[authors[post]] ?? null,
      tags: tags[post],
      days,
    })),
  );
  const followed = new Set(state.topics.found(number, hidden).map(({ name }) => name));
  const leaningTo = (tags: string[]) => (tags.some((tag) => followed.has(normalizeTag(tag))) ? followedTopicBoost : 1);
  const conversationOf = (post: number) => conversations.get(ids[post]) ?? null;
  const mask = new Set(snapshot.maskedIds.filter((id) => !titlesRead.has(id)));
  const isRepost = repostFilter(
    dismissed.flatMap(({ post }) => (mask.has(ids[post]) ? [] : [titles[post]])),
    new Set(dismissed.map(({ post }) => conversationOf(post))),
  );
  const scores = new Float64Array(candidates.length);
  // a candidate that cannot be ranked is left out, as in a live feed
  for (let i = 0; i < scores.length; i++) {
    const score = leaningTo(candidates[i].tags) * afterDismissals(candidates[i]) * combineHeads(opinion, i, weights);
    const isSound = isFiniteRow(probabilities, i, weights.length) && Number.isFinite(score);
    const { title, post } = candidates[i];
    scores[i] =
      isSound && !isRepost({ title, is_masked: mask.has(ids[post]), conversation: conversationOf(post) })
        ? score
        : Number.NEGATIVE_INFINITY;
  }
  const settings = withNewcomerPlaces(
    settingsForHistory(selection, input.history.length),
    batchListLength,
    BigInt(`0x${id.slice(0, 8)}`),
  );
  const ranked = best(snapshot, candidates, scores, settings, mask, circle.has(id));
  return listOf(id, basis, ranked, probabilities, model.heads);
}

/** The nearest posts among those that everybody may read and some others. */
function withAlso(
  { postVectors, hasVector, state, community, run }: Snapshot,
  vector: Float32Array,
  nearest: Int32Array,
  also: number[],
) {
  const posts = [
    ...nearest,
    ...also.filter((post) => hasVector[post] === 1 && post < state.alive && state.isIndexed(post, run.asOf)),
  ];
  const similarity = new Map(
    posts.map((post) => [post, innerProduct(vector, 0, postVectors, post * dimensions, dimensions)]),
  );
  const { ids, authors } = community.posts;
  const near = (post: number) => similarity.get(post) as number;
  posts.sort((a, b) => near(b) - near(a) || (ids[a] < ids[b] ? -1 : 1));
  return Int32Array.from(authorCappedPosts(posts, authors, sources.similar).posts);
}

interface RankedUser extends Selectable {
  /** Which of the candidates. */
  i: number;
}

/** The first `batchListLength` candidates in the order of a feed. `mask`: ids of posts whose title its reader does not read; `inCircle`: they are in a closed circle. */
function best(
  { community, circle, standings, topics, groups, conversations, edits }: Snapshot,
  candidates: NumberedCandidate[],
  scores: Float64Array,
  settings: SelectionSettings,
  mask: ReadonlySet<string>,
  inCircle: boolean,
): RankedUser[] {
  const { ids } = community.posts;
  const ranked: RankedUser[] = [];
  for (let i = 0; i < scores.length; i++) {
    const { post, title, created_at, author_id, embedding, ranks, follows_author, author_affinity, state } =
      candidates[i];
    if (!Number.isFinite(scores[i])) continue;
    const post_id = ids[post];
    const standing = follows_author || author_affinity > 0 ? null : (standings.get(post_id) ?? null);
    const of_circle = !inCircle && !follows_author && author_id !== null && circle.has(author_id);
    const [topic_id, group] = [topics.get(post_id) ?? null, groups.get(post_id) ?? null];
    const [conversation, edited_at] = [conversations.get(post_id) ?? null, edits.get(post_id) ?? null];
    ranked.push({
      i,
      score: scores[i],
      post: {
        post_id,
        title,
        is_masked: mask.has(post_id),
        created_at,
        author_id,
        embedding,
        ranks,
        of_circle,
        standing,
        topic_id,
        group,
        conversation,
        edited_at,
        state,
      },
    });
  }
  return selectPage(ranked, batchListLength, settings).map(({ chosen }) => chosen);
}

function listOf(
  userId: string,
  basis: Basis,
  ranked: RankedUser[],
  probabilities: Float32Array,
  heads: readonly Head[],
): BatchList {
  const column = (h: number) => Float32Array.from(ranked, ({ i }) => probabilities[heads.length * i + h]);
  const optional = optionalHeads.filter((head) => heads.includes(head));
  return {
    userId,
    basis,
    postIds: ranked.map(({ post }) => post.post_id),
    scores: Float32Array.from(ranked, ({ score }) => score),
    views: column(0),
    votes: column(1),
    comments: column(2),
    sources: ranked.map(({ post }) => primarySource(post.ranks)),
    optional: Object.fromEntries(
      optional.map((head) => [head, Array.from(column(heads.indexOf(head)), roundToFloat32)]),
    ),
  };
}

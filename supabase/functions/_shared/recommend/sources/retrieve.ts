/** The candidates of a feed as recsys_engine.feed_candidates brings them: in addition to what is common to all feeds, or from all sources together. */
import type { Connection, Query } from "../../database/database.ts";
import { db, fn } from "../../database/query.ts";
import { type Identity, queryAsService } from "../../database/run-as-caller.ts";
import { countOccurrence } from "../../features/count-occurrence.ts";
import { interleaveTopics } from "../../features/interleave-topics.ts";
import {
  emptyRanks,
  globalSources,
  type Ranks,
  type Source,
  sourceNames,
  sourceOptions,
} from "../../features/retrieval.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { RepostOriginals } from "../filters/reposts.ts";
import {
  ModelDroppedError,
  type Post,
  type PostColumnArrays,
  postsFromColumns,
  readPostSnapshots,
} from "../post-cache/post-cache.ts";
import type { PostSnapshot } from "../post-cache/snapshot-store.ts";
import type { Page } from "../request/cursor.ts";
import { dismissalMultiplier, normalizeTag, type RecentDismissal } from "../scoring/dismissal-multiplier.ts";
import { capPerAuthor, type SourceTruncation, truncationOf } from "./author-cap.ts";
import { type CallerSignals, candidateOf } from "./build-candidate.ts";
import type { GlobalCandidates } from "./read-global-candidates.ts";
import { type SourceHits, sourceFetchLimit } from "./scope-index.ts";

/** What recsys_engine.feed_candidates returns; null where there is none. */
interface FoundCandidates {
  model_gone: boolean;
  is_few: boolean;
  affinities: Record<string, number> | null;
  /** Authors whom the caller follows. */
  follows: string[] | null;
  /** Those that the caller follows, as in recsys_engine.post_tags; null: a visitor. */
  topics: string[] | null;
  /** Topics of which they want more or less, in small letters; null: nothing of theirs is read. */
  more: string[] | null;
  less: string[] | null;
  dismissed: RecentDismissal[] | null;
  /** null: there are none, or the request names the posts. */
  originals: RepostOriginals | null;
  /** By post, how many of those whom the caller follows interacted with it. */
  touches: Record<string, number> | null;
  /** By post, up to two of these, the latest first, whose profile the caller may read and whom they did not mute. */
  touchers: Record<string, string[]> | null;
  /** The caller's muted authors; null: none, or all sources were asked. */
  muted_authors: string[] | null;
  /** Whether the caller is in a closed circle. */
  in_circle: boolean;
  /** null: all sources were asked. */
  common: { place: number[] | null; served_key: number[] | null } | null;
  /** Posts of the caller's own sources, and common posts that they read in another form; in their order: */
  posts: PostColumnArrays;
  /** null: see `lists`. */
  ranks: OwnRanks[] | null;
  /**
   * The posts of the caller's own sources with `common`: places in `posts` in the order of the source, null where
   * hidden, and the authors with more.
   */
  lists: List[] | null;
  served_keys: number[];
}

interface List {
  source: OwnSource;
  size: number;
  posts: (number | null)[];
  authors: (string | null)[] | null;
}

/** since: what was written since the common posts were read; topic:NAME: the posts of a topic. */
type OwnSource = Source | "since" | `topic:${string}`;
type OwnRanks = { [Source in OwnSource]?: number | null };

/** A post and what it is to the user, until it is a candidate. */
interface Mine extends CallerSignals {
  post: Post;
}

/** How many times its score a post of a topic has of which its reader wants more; of one of which they want less, so many times less. */
const leaning = 4;
/** The same of a topic that they follow: no follow of a topic need have been there to learn from, and one has to be felt. */
export const followedTopicBoost = 2;

/** What is asked of the sources. */
export interface RetrievalRequest {
  modelId: number | null;
  /** The user's, [32]; null without a model. */
  vector: Float32Array | null;
  page: Pick<Page, "served" | "filter" | "given">;
  /** What is common to all feeds and need not be asked for; null: everything is. */
  common: (Omit<GlobalCandidates, "at"> & { at: number | null }) | null;
  /** With `common` without posts: what the worker found for `similar` and the common sources in the posts of the caller's scopes. */
  ofScopes?: SourceHits;
  /** Whether the caller is taken for one who may read few posts: true, it is looked at first; false, it is not; default: where `common` is null. */
  isFew?: boolean;
  /** Told whether they may. */
  tellFew?: (isFew: boolean) => void;
  /** In milliseconds; default: recsys.clock(). */
  instant?: number;
  /** What the primary said of the caller, where a replica is asked (gather-from-replica.ts); default: it is read with the candidates. */
  own?: string | undefined;
  /** Where a worker keeps what is known of posts; default: it is read. */
  known?: (ids: string[]) => Promise<PostSnapshot[]>;
}

export interface RetrievalResult {
  /** Unordered. */
  posts: PostCandidate[];
  ofCaller: GetCallerSignals;
  /** null: there are none. */
  originals: RepostOriginals | null;
}

/**
 * The caller's candidates (without `sub`: a visitor's); null where more than `common` is needed, because too many of those are hidden from
 * the caller, known to them, or served. Throws ModelDroppedError.
 */
export async function retrieve(
  connection: Connection,
  caller: Identity,
  asked: RetrievalRequest,
): Promise<RetrievalResult | null> {
  const { vector, ofScopes } = asked;
  const [{ found: answer }] = await queryAsService(connection, caller.role, candidates(caller, asked));
  if (answer.model_gone) throw new ModelDroppedError();
  // a replica may not know yet whose act or profile was taken from the caller, and the last check is of posts
  if (asked.own !== undefined) answer.touchers = null;
  asked.tellFew?.(answer.is_few);
  const hidden = new Set([caller.sub, ...(answer.muted_authors ?? [])]);
  if (answer.lists) {
    answer.ranks = ranksOf(answer, answer.lists, hidden, ofScopes);
    if (!answer.ranks) return null;
  }
  const ofCaller = toCaller(answer);
  const found = new Map<string, Mine>();
  const told = postsFromColumns(answer.posts);
  const since = ownPosts(told, answer, ofCaller, found);
  const common = ofScopes ? commonOf(told, answer, ofScopes) : asked.common;
  if (common && !answer.is_few && !addCommon(common, told, answer, since, hidden, ofCaller, found)) return null;
  if (answer.topics?.length) giveTurns(answer.topics, answer, found, asked.page.given !== undefined);
  const knownOf =
    asked.known ?? ((ids) => readPostSnapshots(connection, caller.role, asked.modelId, ids, asked.instant));
  const known = await knownOf([...found.keys()]);
  const posts = Array.from(found.values(), (mine, i) => candidateOf(mine.post, known[i], mine, vector));
  return { posts, ofCaller, originals: answer.originals };
}

/** What a post is to the caller by its author, and by whom and what they follow. */
export type GetCallerSignals = (
  post: Post,
) => Pick<
  Mine,
  | "author_affinity"
  | "follows_author"
  | "followed_topic"
  | "touches"
  | "touchers"
  | "of_circle"
  | "standing"
  | "leaning"
>;

function toCaller({
  affinities,
  follows,
  topics,
  touches,
  touchers,
  in_circle,
  more,
  less,
  dismissed,
}: FoundCandidates): GetCallerSignals {
  const afterDismissals = dismissalMultiplier(dismissed ?? []);
  const followed = new Set(follows);
  const has = (tags: string[] | null, wanted: string[] | null) =>
    wanted?.length ? tags?.some((tag) => wanted.includes(normalizeTag(tag))) : false;
  return ({ post_id, author_id, tags, of_circle, standing }) => {
    const followed_topic = topics?.length ? (tags?.find((tag) => topics.includes(normalizeTag(tag))) ?? null) : null;
    const wanted = has(tags, more) ? leaning : followed_topic !== null ? followedTopicBoost : 1;
    const author_affinity = author_id === null ? 0 : (affinities?.[author_id] ?? 0);
    const follows_author = author_id !== null && followed.has(author_id);
    return {
      author_affinity,
      follows_author,
      followed_topic,
      touches: touches?.[post_id] ?? 0,
      touchers: touchers?.[post_id] ?? [],
      of_circle: of_circle && !in_circle && !follows_author,
      standing: follows_author || author_affinity > 0 ? null : standing,
      leaning: (wanted / (has(tags, less) ? leaning : 1)) * afterDismissals({ author_id, tags }),
    };
  };
}

/** The ranks of the posts that the caller's own sources found; null where more is needed. What common sources found in scopes gets its ranks with what was written since. */
function ranksOf(
  { posts }: FoundCandidates,
  lists: List[],
  hidden: Set<string | undefined>,
  ofScopes?: SourceHits,
): OwnRanks[] | null {
  const ranks: OwnRanks[] = (posts.post_id ?? []).map(() => ({}));
  for (const list of lists) {
    const { source, size, posts: found } = list;
    if ((globalSources as OwnSource[]).includes(source)) continue;
    const share = size / 10;
    const cut = cutOfList(list, share, ofScopes);
    const shown = [...found.keys()].filter((place) => found[place] !== null);
    const postOf = (place: number) => found[place] as number;
    const authorOf = (place: number) => posts.author_id?.[postOf(place)] ?? null;
    const brought = capPerAuthor(shown, authorOf, { most: size, share, cut }, hidden);
    if (!brought) return null;
    for (const [i, place] of brought.entries()) ranks[postOf(place)][source] = i + 1;
  }
  return ranks;
}

/**
 * Where there may be more than what was found. In scopes a worker knows the authors and has given each a share, so there it is where too little may be shown of
 * what it found first.
 */
function cutOfList(
  { source, size, posts, authors }: List,
  share: number,
  ofScopes: SourceHits | undefined,
): SourceTruncation | undefined {
  const found = ofScopes?.[source as Source];
  if (!found) return authors ? truncationOf(authors, share) : undefined;
  const isCut = authors !== null || found.length >= sourceFetchLimit(source as Source);
  return isCut && posts.filter((place) => place !== null).length < size ? truncationOf([], share) : undefined;
}

/** The results of common sources in scopes, in the shape of those common to all: all of them may be shown. */
function commonOf(
  posts: Post[],
  answer: FoundCandidates,
  ofScopes: SourceHits,
): Pick<GlobalCandidates, "posts" | "places" | "cut"> {
  answer.common = { place: [...posts.keys()], served_key: answer.served_keys };
  const [places, cut]: [GlobalCandidates["places"], GlobalCandidates["cut"]] = [{}, {}];
  for (const list of answer.lists ?? []) {
    const source = list.source as Source;
    if (!globalSources.includes(source)) continue;
    // two scopes may have been read at different times
    places[source] = list.posts.filter((place) => place !== null && !answer.ranks?.[place].since) as number[];
    const found = cutOfList(list, sourceOptions[source].maxPerAuthor, ofScopes);
    if (found) cut[source] = found;
  }
  return { posts, places, cut };
}

/** Adds the posts of the caller's own sources to `found`; returns those written since, the newest first. */
function ownPosts(
  told: Post[],
  { ranks, lists, served_keys }: FoundCandidates,
  ofCaller: GetCallerSignals,
  found: Map<string, Mine>,
): Mine[] {
  const since: Mine[] = [];
  for (const [i, post] of told.entries()) {
    const { since: newest, ...own } = ranks?.[i] ?? {};
    // found by a source, and beyond those that it brings
    if (lists && Object.keys(ranks?.[i] ?? {}).length === 0) continue;
    const mine = {
      post,
      ranks: Object.assign(emptyRanks(), own),
      ...ofCaller(post),
      served_key: served_keys[i],
    };
    found.set(post.post_id, mine);
    if (newest) since[newest - 1] = mine;
  }
  return since;
}

/** Gives the topics that the caller follows their turns in the source `followed`; of their posts those that no source brings then go, unless all are wanted. */
function giveTurns(
  topics: string[],
  { posts, ranks }: FoundCandidates,
  found: Map<string, Mine>,
  wantsAll: boolean,
): void {
  const own = (posts.post_id ?? []).flatMap((id, i) => {
    const mine = found.get(id);
    return mine ? [{ mine, ranks: ranks?.[i] ?? {} }] : [];
  });
  const listOf = (source: "followed" | `topic:${string}`) => {
    const listed = own.flatMap(({ mine, ranks }) => (ranks[source] ? [{ mine, rank: ranks[source] }] : []));
    return listed.sort((a, b) => a.rank - b.rank).map(({ mine }) => mine);
  };
  const lists = topics.map((topic) => listOf(`topic:${topic}`));
  const followed = interleaveTopics(listOf("followed"), lists, ({ post }) => post.author_id);
  for (const [i, list] of lists.entries()) for (const mine of list) mine.followed_topic ??= topics[i];
  const places = new Map(followed.map((mine, i) => [mine, i + 1]));
  for (const { mine } of own)
    mine.ranks = Object.fromEntries(
      sourceNames.map((source) => [source, source === "followed" ? (places.get(mine) ?? null) : mine.ranks[source]]),
    ) as Ranks;
  if (wantsAll) return;
  for (const { mine } of own)
    if (sourceNames.every((source) => mine.ranks[source] === null)) found.delete(mine.post.post_id);
}

/** Adds the common posts that the caller may see, as the caller reads them; false if that is not enough. */
function addCommon(
  common: Pick<GlobalCandidates, "posts" | "places" | "cut">,
  told: Post[],
  answer: FoundCandidates,
  since: Mine[],
  hidden: Set<string | undefined>,
  ofCaller: GetCallerSignals,
  found: Map<string, Mine>,
): boolean {
  /** By their places; undefined: it may not be shown. */
  const keys: (number | undefined)[] = common.posts.map(() => undefined);
  // a few at most, but where an app shows other words of a post to some
  const readOtherwise = new Map(told.flatMap((post) => (found.has(post.post_id) ? [] : [[post.post_id, post]])));
  const shown = answer.common?.place ?? [];
  const shownKeys = answer.common?.served_key ?? [];
  // by index here: with `entries` these loops made 210 KB of a feed's 3.9 MB of garbage
  for (let i = 0; i < shown.length; i++) keys[shown[i]] = shownKeys[i];
  for (const source of globalSources) {
    const { size, maxPerAuthor: share, prependsNewPosts } = sourceOptions[source];
    let rank = 0;
    const counts = new Map<string, number>();
    // it is newer than all that was read before
    if (prependsNewPosts)
      for (const mine of since)
        if (rank < size && countOccurrence(counts, mine.post.author_id) <= share) mine.ranks[source] = ++rank;
    const places = common.places[source] ?? [];
    const shownPlaces: number[] = [];
    for (let i = 0; i < places.length; i++) if (keys[places[i]] !== undefined) shownPlaces.push(i);
    const authorOf = (i: number) => common.posts[places[i]].author_id;
    const cut = common.cut[source];
    const brought = capPerAuthor(shownPlaces, authorOf, { most: size - rank, share, cut, counts }, hidden);
    if (!brought) return false;
    for (const i of brought) {
      const place = places[i];
      const { post_id } = common.posts[place];
      let mine = found.get(post_id);
      if (!mine) {
        const post = readOtherwise.get(post_id) ?? common.posts[place];
        mine = {
          post,
          ranks: emptyRanks(),
          ...ofCaller(post),
          served_key: keys[place] ?? 0,
        };
        found.set(post_id, mine);
      }
      mine.ranks[source] = ++rank;
    }
  }
  return true;
}

function candidates(
  { role, sub }: Identity,
  { modelId, vector, page: { served, filter, given }, common, ofScopes, isFew, instant, own }: RetrievalRequest,
): Query<{ found: FoundCandidates }> {
  const query = {
    role,
    user_id: sub,
    model_id: modelId,
    embedding: vector && Array.from(vector),
    at: instant,
    filter,
    seed: String(served.seed),
    // those that the app names are ranked again on each page, so that all pages have one order; the request has them already
    served: given || own ? undefined : served.keys,
    requested: given,
    global_ids: common?.ids,
    global_texts: common?.texts,
    global_at: common?.at,
    has_small_readable_set: isFew,
    hits: ofScopes,
    request: own,
  };
  const found = fn("recsys_engine.feed_candidates", { p_query: JSON.stringify(query) });
  return db.selectNoFrom(found.$castTo<FoundCandidates>().as("found"));
}

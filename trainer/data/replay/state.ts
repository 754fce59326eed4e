/**
 * A community at one instant of its replay: `advance` moves it on, `candidates` returns recsys_engine.retrieve's answer then (see state.test.ts),
 * with dismissed and seen posts as negatives. The candidates of 6,000 requests of Travel take 16 s here and 3 min 31 s in SQL.
 */
import { monthHalfLifeIndex, weekHalfLifeIndex } from "../../../supabase/functions/_shared/features/decay.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import {
  type Candidate,
  emptyPostState,
  type UserState,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { RecentInteraction } from "../../../supabase/functions/_shared/features/recent-habit.ts";
import {
  emptyRanks,
  retrieval,
  type Source,
  sourceNames,
  sources,
  sparseTrendThreshold,
} from "../../../supabase/functions/_shared/features/retrieval.ts";
import { vectorAt } from "../../models/nn/vector-at.ts";
import { ActivityOrder } from "./activity-order.ts";
import { authorCappedPosts } from "./author-cap.ts";
import type { Community } from "./community.ts";
import { DecayedCounts } from "./decayed-counts.ts";
import { emptyUserState } from "./empty-user-state.ts";
import {
  FollowReplay,
  followeeEngagements,
  getOrAdd,
  sortByFolloweeCount,
  TopicFollowReplay,
} from "./follow-replay.ts";
import { followedPosts } from "./followed-posts.ts";
import { mostSimilar } from "./most-similar.ts";
import { covisitedBy } from "./neighbours.ts";
import type { NumberedCandidate, RetrievalOptions, SourceInputs } from "./retrieval-options.ts";
import { login, type Timeline } from "./timeline.ts";

const trendingWindow = retrieval.trendingHours * hour;
/** So many of the hottest posts are sorted: nearly all who ask have as many left that they did not interact with as a source brings. */
const hottestKept = 500;

export class CommunityState {
  /** Posts 0 to alive − 1 exist. */
  alive = 0;
  private next = 0;
  private readonly activity: ActivityOrder;
  /** The latest event of each post and user, −1: none. */
  private readonly lastOfPost: Int32Array;
  private readonly lastOfUser: Int32Array;
  /** The event of the same post before each event, −1: none. */
  private readonly eventBefore: Int32Array;
  /** The latest interaction of each user, and for each interaction the same user's previous one; −1: none. */
  readonly lastInteraction: Int32Array;
  readonly interactionBefore: Int32Array;
  private readonly trend: DecayedCounts;
  private readonly popularity: DecayedCounts;
  private readonly postsOf = new Map<number, number[]>();
  private readonly follows: FollowReplay;
  readonly topics: TopicFollowReplay;
  /** By post, as of its last event. */
  private readonly candidateOf: { event: number; postVectors: Float32Array; candidate: NumberedCandidate }[] = [];
  /** Which request found each post last, which left it out last, and the number of the latest one. */
  private readonly foundBy: Float64Array;
  private readonly leftOutBy: Float64Array;
  private request = 0;
  readonly community: Community;
  readonly timeline: Timeline;

  constructor(community: Community, timeline: Timeline) {
    this.community = community;
    this.timeline = timeline;
    this.follows = new FollowReplay(community.follows);
    this.topics = new TopicFollowReplay(community);
    this.activity = new ActivityOrder(community.posts.ids.length);
    this.eventBefore = new Int32Array(timeline.length).fill(-1);
    this.lastOfPost = new Int32Array(community.posts.ids.length).fill(-1);
    this.lastOfUser = new Int32Array(community.users.ids.length).fill(-1);
    this.lastInteraction = new Int32Array(community.users.ids.length).fill(-1);
    this.interactionBefore = new Int32Array(timeline.length).fill(-1);
    this.trend = new DecayedCounts(community.posts.ids.length, weekHalfLifeIndex, hottestKept);
    this.popularity = new DecayedCounts(community.posts.ids.length, monthHalfLifeIndex, hottestKept);
    this.foundBy = new Float64Array(community.posts.ids.length);
    this.leftOutBy = new Float64Array(community.posts.ids.length);
  }

  /** Applies the events before number `event`, and every post created up to that event's instant (or `now`, at the end). */
  advance(event: number, now = this.timeline.at[event]): void {
    for (; this.next < event; this.next++) {
      if (this.next >= this.timeline.history) this.createPosts(this.timeline.at[this.next]);
      this.apply(this.next);
    }
    this.createPosts(now);
    this.follows.advance(now);
    this.topics.advance(now, this.alive);
  }

  /** When a post was created and last active; null: no interactions yet. */
  times(post: number): { created_at: number; last_active_at: number | null } {
    const event = this.lastOfPost[post];
    return {
      created_at: this.community.posts.createdAt[post],
      last_active_at: event < 0 ? null : this.timeline.at[event],
    };
  }

  /** Whether the index of vectors has a post at an instant: recsys_engine.idle_posts says which it has not. */
  isIndexed(post: number, now: number): boolean {
    const { posts, indexedDays } = this.community;
    if (indexedDays === undefined) return true;
    const event = this.lastOfPost[post];
    const last = event < 0 ? posts.createdAt[post] : Math.max(posts.createdAt[post], this.timeline.at[event]);
    return last >= now - 24 * hour * indexedDays;
  }

  /** What the ranker sees of a user; `history`: the vectors [32] of `Histories.latest`. `hidden`: [posts] 1: they may not read the post. */
  user(user: number, history: ArrayLike<number>[], hidden?: Uint8Array): UserState {
    const event = this.lastOfUser[user];
    return {
      created_at: this.community.users.createdAt[user],
      last_active_at: event < 0 ? null : this.timeline.at[event],
      ...(event < 0 ? emptyUserState : this.timeline.userAfter(event)),
      follows: this.followsOf(user),
      recent_interactions: this.recentInteractions(user, hidden),
      history,
    };
  }

  /** How many people a user follows. */
  followsOf(user: number): number {
    return this.follows.of(user).length;
  }

  /** What recsys_engine.recent_interactions answers, were so many of the user's acts all. */
  recentInteractions(
    user: number,
    hidden?: Uint8Array,
    acts: number = retrieval.historyInteractions,
  ): RecentInteraction[] {
    const { community, timeline } = this;
    const earliest = new Map<number, number>();
    // backwards, so that a post's earliest interaction among these is what stays
    for (const event of this.latestInteractions(user, acts)) earliest.set(timeline.posts[event], event);
    const others = [...earliest].filter(([post]) => community.posts.authors[post] !== user && !hidden?.[post]);
    others.sort((a, b) => b[1] - a[1]);
    return others.slice(0, retrieval.historyLength).map(([post, event]) => ({
      title: community.posts.titles[post],
      tags: community.posts.tags[post],
      at: timeline.at[event],
      created_at: community.posts.createdAt[post],
      ...this.found(event),
    }));
  }

  /** What a user found when they came: the last activity of the post and its comments, just before an event. */
  private found(event: number): { last_active_at: number | null; comments: number } {
    const { timeline } = this;
    if (event < timeline.history) {
      const at = timeline.foundAt[event];
      return { last_active_at: Number.isNaN(at) ? null : at, comments: timeline.foundComments[event] };
    }
    const before = this.eventBefore[event];
    if (before < 0) return { last_active_at: null, comments: 0 };
    return { last_active_at: timeline.at[before], comments: timeline.postAfter(before).comments };
  }

  /**
   * Posts from all sources, unordered, without the user's own and those they interacted with. `vector` [32],
   * `postVectors` [posts, 32]. What is returned holds until the next call, which uses the same objects.
   */
  candidates(
    user: number,
    now: number,
    vector: Float32Array,
    postVectors: Float32Array,
    options: RetrievalOptions = {},
  ): NumberedCandidate[] {
    const { hidden, similar, excluded = [], shown = [], acts, followsNobody = false, neighbours } = options;
    const request = ++this.request;
    const affinities = this.affinities(user, options);
    for (const post of this.leftOut(user)) this.leftOutBy[post] = request;
    for (const post of excluded) this.leftOutBy[post] = request;
    const follows = followsNobody ? [] : this.follows.of(user);
    const topics = followsNobody ? [] : this.topics.of(user, hidden);
    const followed = new Set(follows);
    const { authors, withheld } = this.community.posts;
    const eligible = (post: number) =>
      this.leftOutBy[post] !== request && !hidden?.[post] && !(withheld?.[post] && !followed.has(authors[post]));
    const found: NumberedCandidate[] = [];
    const ranksOf = (post: number) => {
      const candidate = this.candidate(post, postVectors);
      if (this.foundBy[post] !== request) {
        this.foundBy[post] = request;
        Object.assign(candidate.ranks, nowhere);
        found.push(candidate);
      }
      return candidate.ranks;
    };
    const similarityOf = (post: number) =>
      Math.fround(innerProduct(vector, 0, postVectors, post * dimensions, dimensions));
    const touched = followeeEngagements(follows, this, hidden);
    const covisited = covisitedBy(user, neighbours, this, hidden, acts);
    const own = { affinities, follows, topics, touched, covisited };
    const asked = { now, vector, postVectors, hidden, similar, eligible, ...own };
    for (const source of sourceNames) {
      const posts = this.sources[source](asked);
      for (let i = 0; i < posts.length; i++) ranksOf(posts[i])[source] = i + 1;
    }
    for (const post of shown) ranksOf(post);
    const others = options.floor?.posts.filter((post) => eligible(post) && this.foundBy[post] !== request) ?? [];
    for (const post of others.slice(0, options.floor?.most)) ranksOf(post);
    for (const candidate of found) {
      candidate.similarity = similarityOf(candidate.post);
      const author = authors[candidate.post];
      candidate.author_affinity = affinities.get(author) ?? 0;
      candidate.follows_author = followed.has(author);
      candidate.touches = touched.get(candidate.post)?.people ?? 0;
    }
    return found;
  }

  /** The posts that no source brings a user: their own, and those they interacted with. */
  *leftOut(user: number): Iterable<number> {
    yield* this.postsOf.get(user) ?? [];
    for (const event of this.latestInteractions(user)) yield this.timeline.posts[event];
  }

  /** A user's interactions so far, the latest first; so many at most. */
  *latestInteractions(user: number, most = Number.POSITIVE_INFINITY): Iterable<number> {
    for (
      let [i, event] = [0, this.lastInteraction[user]];
      i < most && event >= 0;
      i++, event = this.interactionBefore[event]
    )
      yield event;
  }

  /** The posts that are for followers alone, of authors whom a user does not follow. */
  *withheldFrom(user: number): Iterable<number> {
    const { authors, withheld } = this.community.posts;
    const followed = new Set(this.follows.of(user));
    for (let post = withheld?.indexOf(1) ?? -1; post >= 0; post = withheld?.indexOf(1, post + 1) ?? -1)
      if (!followed.has(authors[post])) yield post;
  }

  /** How often a user interacted with the posts of each other author. */
  private affinities(user: number, { hidden, countedUntil: until = 0, acts }: RetrievalOptions): Map<number, number> {
    const { authors } = this.community.posts;
    const affinities = new Map<number, number>();
    for (const event of this.latestInteractions(user, acts)) {
      const post = this.timeline.posts[event];
      const author = hidden?.[post] && this.timeline.at[event] > until ? -1 : authors[post];
      if (author >= 0 && author !== user) affinities.set(author, (affinities.get(author) ?? 0) + 1);
    }
    return affinities;
  }

  /**
   * Made once for each event of a post, since most posts are candidates of one request after another; what is the request's
   * own is then written over.
   */
  private candidate(post: number, postVectors: Float32Array): NumberedCandidate {
    const event = this.lastOfPost[post];
    const known = this.candidateOf[post];
    if (known?.event === event && known.postVectors === postVectors) return known.candidate;
    const { posts, users } = this.community;
    const author = posts.authors[post];
    // no spread: it took three times as long
    const candidate = {
      post,
      title: posts.titles[post],
      tags: posts.tags[post],
      author_id: author < 0 ? null : users.ids[author],
      created_at: posts.createdAt[post],
      state: event < 0 ? emptyPostState : this.stateAfter(event),
      embedding: vectorAt(postVectors, post),
      components: posts.vectors?.[post] ?? null,
      similarity: 0,
      ranks: emptyRanks(),
      author_affinity: 0,
      follows_author: false,
      touches: 0,
    };
    this.candidateOf[post] = { event, postVectors, candidate };
    return candidate;
  }

  private stateAfter(event: number): Candidate["state"] {
    const { timeline } = this;
    return { last_active_at: timeline.at[event], kind: kinds[timeline.kinds[event]], ...timeline.postAfter(event) };
  }

  private createPosts(until: number): void {
    const { createdAt, authors, waits } = this.community.posts;
    for (; this.alive < createdAt.length && createdAt[this.alive] <= until; this.alive++) {
      // a waiting post is active from its first interaction
      if (!waits?.[this.alive]) this.activity.moveToFront(this.alive);
      const author = authors[this.alive];
      if (author >= 0) getOrAdd(this.postsOf, author, () => []).push(this.alive);
    }
  }

  private apply(event: number): void {
    const { history, wholeFrom } = this.timeline;
    if (event < history || event >= wholeFrom) this.addToHistory(event);
    if (event >= history) this.changeState(event);
  }

  private addToHistory(event: number): void {
    const { timeline } = this;
    if (timeline.kinds[event] === login) return;
    const user = timeline.users[event];
    this.eventBefore[event] = this.lastOfPost[timeline.posts[event]];
    this.interactionBefore[event] = this.lastInteraction[user];
    this.lastInteraction[user] = event;
  }

  private changeState(event: number): void {
    const { timeline } = this;
    this.lastOfUser[timeline.users[event]] = event;
    if (timeline.changesPost[event] === 0) return;
    const post = timeline.posts[event];
    this.lastOfPost[post] = event;
    const { recent } = timeline.postAfter(event);
    for (const heat of [this.trend, this.popularity]) heat.came(post, timeline.at[event], recent);
    // an interaction dated before its post's creation is kept, but the post appears only when it exists
    if (post < this.alive) this.activity.moveToFront(post);
  }

  /** What each source brings, the best first, as its function in SQL does. */
  private readonly sources: Record<Source, (asked: SourceInputs) => ArrayLike<number>> = {
    similar: ({ similar, now, vector, postVectors, eligible }) => {
      const { posts, indexedDays } = this.community;
      const searched =
        indexedDays === undefined ? eligible : (post: number) => this.isIndexed(post, now) && eligible(post);
      return similar ?? mostSimilar(vector, postVectors, posts, this.alive, searched);
    },
    active: ({ eligible }) => this.within("active", this.activity.posts(eligible)),
    fresh: ({ eligible }) => this.within("fresh", this.newest(eligible)),
    trending: ({ now, eligible }) => this.within("trending", this.trending(now, eligible)),
    popular: ({ now, eligible }) =>
      this.isQuiet(now) ? this.within("popular", this.popularity.hottest(this.alive, eligible)) : [],
    followed: (asked) => followedPosts(asked, this.community, this.postsOf),
    touched: ({ touched, eligible }) =>
      this.within("touched", sortByFolloweeCount(touched, this.community.posts.ids).filter(eligible)),
    covisited: ({ covisited, eligible }) => this.within("covisited", covisited.filter(eligible)),
  };

  private within(source: Source, posts: Iterable<number>): number[] {
    return authorCappedPosts(posts, this.community.posts.authors, sources[source]).posts;
  }

  private *newest(eligible: SourceInputs["eligible"]): Iterable<number> {
    const { waits } = this.community.posts;
    for (let post = this.alive - 1; post >= 0; post--) if (!waits?.[post] && eligible(post)) yield post;
  }

  /** As recsys_engine.is_trend_sparse. */
  private isQuiet(now: number): boolean {
    const least = now / this.trend.halfLife + Math.log2(sparseTrendThreshold.people);
    let busy = 0;
    for (const _ of this.trend.hottest(this.alive, () => true, least))
      if (++busy === sparseTrendThreshold.posts) return false;
    return true;
  }

  /** Posts with interactions in the last week. */
  private trending(now: number, eligible: SourceInputs["eligible"]): Iterable<number> {
    const coldest = now / this.trend.halfLife - 1.00001;
    const isIn = (post: number) => this.timeline.at[this.lastOfPost[post]] > now - trendingWindow && eligible(post);
    return this.trend.hottest(this.alive, isIn, coldest);
  }
}

const nowhere = emptyRanks();

/**
 * A community at one instant of its replay. `advance` moves it forward event by event; `candidates` then answers what
 * recsys.candidates would have answered at that instant (state.test.ts holds the two against each other).
 */
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import {
  type Candidate,
  halfLives,
  type Source,
  sourceSizes,
  type UserState,
} from "../../supabase/functions/_shared/ranker-features.ts";
import type { Touch } from "../../supabase/functions/_shared/recent-habit.ts";
import { ActivityOrder } from "./activity-order.ts";
import type { Community } from "./community.ts";
import { kinds } from "./community.ts";
import { login, postStatsWidth, type Timeline, userStatsWidth } from "./timeline.ts";
import { topByScore } from "./top.ts";

const week = 7 * 24 * 3_600_000;

export interface NumberedCandidate extends Candidate {
  /** Post number. */
  post: number;
}

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
  private readonly touched = new Map<number, Set<number>>();
  /** Each user's interactions, the latest last. */
  private readonly interactionsOf = new Map<number, number[]>();
  private readonly affinities = new Map<number, Map<number, number>>();
  private readonly postsOf = new Map<number, number[]>();
  private readonly community: Community;
  private readonly timeline: Timeline;

  constructor(community: Community, timeline: Timeline) {
    this.community = community;
    this.timeline = timeline;
    this.activity = new ActivityOrder(community.posts.ids.length);
    this.eventBefore = new Int32Array(timeline.length).fill(-1);
    this.lastOfPost = new Int32Array(community.posts.ids.length).fill(-1);
    this.lastOfUser = new Int32Array(community.users.ids.length).fill(-1);
  }

  /** Applies the events before number `event`, and every post created up to that event's instant (or `now`, at the end). */
  advance(event: number, now = this.timeline.at[event]): void {
    for (; this.next < event; this.next++) {
      this.createPosts(this.timeline.at[this.next]);
      this.apply(this.next);
    }
    this.createPosts(now);
  }

  /** Whether a user has touched a post, or wrote it. */
  knows(user: number, post: number): boolean {
    return this.community.posts.authors[post] === user || (this.touched.get(user)?.has(post) ?? false);
  }

  /** When a post was created and last active; null: nobody came yet. */
  times(post: number): { created_at: number; acted_at: number | null } {
    const event = this.lastOfPost[post];
    return { created_at: this.community.posts.createdAt[post], acted_at: event < 0 ? null : this.timeline.at[event] };
  }

  /** What the ranker sees of a user. */
  user(user: number): UserState {
    const event = this.lastOfUser[user];
    const created_at = this.community.users.createdAt[user];
    const touches = this.touches(user);
    if (event < 0) {
      const none = new Float32Array(halfLives.length);
      return {
        created_at,
        acted_at: null,
        views: 0,
        votes: 0,
        comments: 0,
        logins: 0,
        recent: none,
        recent_logins: none,
        habit_log_age: null,
        habit_log_idle: null,
        touches,
      };
    }
    const row = this.timeline.userStats.subarray(event * userStatsWidth, (event + 1) * userStatsWidth);
    return {
      created_at,
      acted_at: this.timeline.at[event],
      views: row[0],
      votes: row[1],
      comments: row[2],
      logins: row[3],
      habit_log_age: Number.isNaN(row[4]) ? null : row[4],
      habit_log_idle: Number.isNaN(row[5]) ? null : row[5],
      recent: row.subarray(6, 6 + halfLives.length),
      recent_logins: row.subarray(6 + halfLives.length),
      touches,
    };
  }

  /** What recsys.user_touches answers. */
  private touches(user: number): Touch[] {
    const { community, timeline } = this;
    const first = new Map<number, number>();
    // backwards, so that the first touch within the stretch is what stays
    const events = this.interactionsOf.get(user) ?? [];
    for (let i = events.length - 1; i >= Math.max(0, events.length - 200); i--)
      first.set(timeline.posts[events[i]], events[i]);
    const others = [...first].filter(([post]) => community.posts.authors[post] !== user);
    others.sort((a, b) => b[1] - a[1]);
    return others.slice(0, 50).map(([post, event]) => {
      const before = this.eventBefore[event];
      return {
        title: community.posts.titles[post],
        tags: community.posts.tags[post],
        at: timeline.at[event],
        created_at: community.posts.createdAt[post],
        acted_at: before < 0 ? null : timeline.at[before],
        comments: before < 0 ? 0 : timeline.postStats[before * postStatsWidth + 2],
      };
    });
  }

  /** Posts from all five sources that the user does not know, unordered. `vector` [32], `postVectors` [posts, 32]. */
  candidates(user: number, now: number, vector: Float32Array, postVectors: Float32Array): NumberedCandidate[] {
    const similarity = similarities(vector, postVectors, this.alive);
    const found = new Map<number, Candidate["ranks"]>();
    const add = (source: Source, posts: ArrayLike<number>) => {
      for (let i = 0; i < posts.length; i++) {
        getOrAdd(found, posts[i], noRanks)[source] = i + 1;
      }
    };
    add("similar", topByScore(similarity, sourceSizes.similar));
    add("active", this.activity.first(sourceSizes.active));
    add(
      "fresh",
      Int32Array.from({ length: Math.min(this.alive, sourceSizes.fresh) }, (_, i) => this.alive - 1 - i),
    );
    add("trending", this.trending(now));
    add("followed", this.followed(user));
    const candidates: NumberedCandidate[] = [];
    for (const [post, ranks] of found) {
      if (!this.knows(user, post)) candidates.push(this.candidate(user, post, similarity[post], ranks));
    }
    return candidates;
  }

  /** One post as a candidate, from a source or none. */
  candidate(user: number, post: number, similarity: number, ranks: Candidate["ranks"]): NumberedCandidate {
    const { posts } = this.community;
    const author = posts.authors[post];
    const event = this.lastOfPost[post];
    const base = {
      post,
      title: posts.titles[post],
      tags: posts.tags[post],
      author_id: author < 0 ? null : this.community.users.ids[author],
      created_at: posts.createdAt[post],
      similarity,
      ranks,
      author_affinity: this.affinities.get(user)?.get(author) ?? 0,
    };
    if (event < 0) {
      const recent = new Float32Array(halfLives.length);
      return {
        ...base,
        acted_at: null,
        kind: null,
        views: 0,
        votes: 0,
        comments: 0,
        participants: 0,
        last_comment_at: null,
        by_author: false,
        recent,
      };
    }
    const row = this.timeline.postStats.subarray(event * postStatsWidth, (event + 1) * postStatsWidth);
    const commented = this.timeline.lastCommentAt[event];
    return {
      ...base,
      acted_at: this.timeline.at[event],
      kind: kinds[this.timeline.kinds[event]],
      views: row[0],
      votes: row[1],
      comments: row[2],
      participants: row[3],
      last_comment_at: Number.isNaN(commented) ? null : commented,
      by_author: row[4] === 1,
      recent: row.subarray(5),
    };
  }

  private createPosts(until: number): void {
    const { createdAt, authors } = this.community.posts;
    for (; this.alive < createdAt.length && createdAt[this.alive] <= until; this.alive++) {
      this.activity.moveToFront(this.alive);
      const author = authors[this.alive];
      if (author >= 0) getOrAdd(this.postsOf, author, () => []).push(this.alive);
    }
  }

  private apply(event: number): void {
    const { timeline, community } = this;
    const user = timeline.users[event];
    this.lastOfUser[user] = event;
    if (timeline.kinds[event] === login) return;
    const post = timeline.posts[event];
    this.eventBefore[event] = this.lastOfPost[post];
    this.lastOfPost[post] = event;
    getOrAdd(this.interactionsOf, user, () => []).push(event);
    // an interaction dated before its post's creation is kept, but the post appears only when it exists
    if (post < this.alive) this.activity.moveToFront(post);
    getOrAdd(this.touched, user, () => new Set()).add(post);
    const author = community.posts.authors[post];
    if (author >= 0 && author !== user) {
      const counts = getOrAdd(this.affinities, user, () => new Map());
      counts.set(author, (counts.get(author) ?? 0) + 1);
    }
  }

  private trending(now: number): number[] {
    const heat: { post: number; heat: number }[] = [];
    for (const post of this.activity.from()) {
      const event = this.lastOfPost[post];
      const at = event < 0 ? this.community.posts.createdAt[post] : this.timeline.at[event];
      if (at <= now - week) break;
      if (event >= 0)
        heat.push({ post, heat: this.timeline.postStats[event * postStatsWidth + 8] * 0.5 ** ((now - at) / week) });
    }
    heat.sort((a, b) => b.heat - a.heat);
    return heat.slice(0, sourceSizes.trending).map(({ post }) => post);
  }

  private followed(user: number): number[] {
    const authors = [...(this.affinities.get(user) ?? [])].sort((a, b) => b[1] - a[1]).slice(0, 50);
    const posts = authors.flatMap(([author]) => (this.postsOf.get(author) ?? []).slice(-sourceSizes.followed));
    return posts.sort((a, b) => b - a).slice(0, sourceSizes.followed);
  }
}

/** The ranks of a post that no source brought. */
export function noRanks(): Candidate["ranks"] {
  return { similar: null, active: null, fresh: null, trending: null, followed: null };
}

function similarities(vector: Float32Array, postVectors: Float32Array, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let post = 0; post < count; post++) {
    let sum = 0;
    for (let d = 0; d < dimensions; d++) sum += vector[d] * postVectors[post * dimensions + d];
    out[post] = sum;
  }
  return out;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/**
 * Protocol 3, ideas: forecasters that learned from the time before an instant predict the audience of each later post from
 * text, tags and author. The truth is the number of distinct other people who interacted with it within 7 days.
 */

import {
  audienceWindow,
  type SettledPost,
  type WrittenPost,
} from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { Community } from "../../data/replay/community.ts";
import { communityBefore } from "../history/event-walk.ts";

export interface ForecastResult {
  name: string;
  /** Of each post from the instant on, in order of time. */
  forecasts: Float64Array;
  spearman: number;
  /** Mean audience of the tenth that was forecast highest, as a multiple of that of all. */
  bestTenth: number;
  seconds: number;
}

export interface Forecasts {
  /** Numbers of the posts. */
  posts: Int32Array;
  people: Int32Array;
  results: ForecastResult[];
}

/** Asks each forecaster about every post from `testFrom` on. */
export async function runForecasts(
  community: Community,
  testFrom: number,
  forecasters: AudienceForecaster[],
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Forecasts> {
  const audiences = audiencesOf(community);
  const { createdAt } = community.posts;
  const first = createdAt.findIndex((at) => at >= testFrom);
  const posts = Int32Array.from({ length: first < 0 ? 0 : createdAt.length - first }, (_, i) => first + i);
  const before = communityBefore(community, testFrom);
  const results: ForecastResult[] = [];
  for (const [f, forecaster] of forecasters.entries()) {
    const started = performance.now();
    let known = 0;
    const settled = (until: number) => {
      const from = known;
      while (known < createdAt.length && createdAt[known] + audienceWindow <= until) known++;
      return Array.from({ length: known - from }, (_, i) => settledPost(from + i));
    };
    await forecaster.train(settled(testFrom), before, testFrom);
    const forecasts = Float64Array.from(posts, (post, i) => {
      for (const each of settled(createdAt[post])) forecaster.add(each);
      onProgress(f * posts.length + i + 1, forecasters.length * posts.length);
      return forecaster.forecast(written(post));
    });
    const people = Int32Array.from(posts, (post) => audiences[post]);
    results.push({
      name: forecaster.name,
      forecasts,
      spearman: spearman(forecasts, people),
      bestTenth: bestTenth(forecasts, people),
      seconds: (performance.now() - started) / 1000,
    });
  }
  return { posts, people: Int32Array.from(posts, (post) => audiences[post]), results };

  function written(post: number) {
    const { titles, tags, authors } = community.posts;
    return { post, title: titles[post], tags: tags[post], author: authors[post] < 0 ? null : authors[post] };
  }

  function settledPost(post: number) {
    return { ...written(post), people: audiences[post] };
  }
}

/** A post of an evaluation: its number in the community with it, for those that know it by its vector. */
export interface NumberedPost extends WrittenPost {
  post: number;
}

/** Whatever says how many people a post will reach. */
export interface AudienceForecaster {
  name: string;
  /** Learns from the posts whose week was over at an instant, in order of time; `community` ends there. */
  train(posts: (NumberedPost & SettledPost)[], community: Community, until: number): void | Promise<void>;
  /** Told of each later post as soon as its week is over. */
  add(post: NumberedPost & SettledPost): void;
  /** People within 7 days, on any scale that orders posts. */
  forecast(post: NumberedPost): number;
}

/** How many distinct people other than its author did something with each post within 7 days of its creation. */
export function audiencesOf({ posts, interactions }: Pick<Community, "posts" | "interactions">): Int32Array {
  const { users, posts: touched, at } = interactions;
  const people = new Int32Array(posts.ids.length);
  const counted = new Set<number>();
  for (const [i, post] of touched.entries()) {
    const age = at[i] - posts.createdAt[post];
    if (age < 0 || age > audienceWindow || users[i] === posts.authors[post]) continue;
    const pair = users[i] * people.length + post;
    if (counted.has(pair)) continue;
    counted.add(pair);
    people[post]++;
  }
  return people;
}

/** How good forecasts of audiences are: as an order, and of the posts that they recommend most. */

/** Spearman's rank correlation, ties with their mean rank; NaN where either side is the same throughout. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [meanRanks(a), meanRanks(b)];
  const middle = (x.length - 1) / 2;
  let [both, left, right] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    both += (x[i] - middle) * (y[i] - middle);
    left += (x[i] - middle) ** 2;
    right += (y[i] - middle) ** 2;
  }
  return both / Math.sqrt(left * right);
}

/** Mean audience of the tenth that was forecast highest, as a multiple of that of all; of equal forecasts the earlier posts. */
export function bestTenth(forecasts: ArrayLike<number>, people: ArrayLike<number>): number {
  const order = Array.from({ length: forecasts.length }, (_, i) => i).sort((a, b) => forecasts[b] - forecasts[a]);
  const tenth = order.slice(0, Math.ceil(order.length / 10));
  return meanAt(people, tenth) / meanAt(people, order);
}

function meanAt(values: ArrayLike<number>, places: number[]): number {
  return places.reduce((sum, place) => sum + values[place], 0) / places.length;
}

function meanRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}

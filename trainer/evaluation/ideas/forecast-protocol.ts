/**
 * Protocol 3, ideas: each post written from an instant on is given an audience from its text, tags and author alone, as of its creation,
 * by forecasters that learned from the time before; what came is how many distinct people other than its author did something with it
 * within 7 days.
 */
import { audienceWindow } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { Community } from "../../community/community.ts";
import { communityBefore } from "../history/community-until.ts";
import type { AudienceForecaster } from "./audience-forecaster.ts";
import { audiencesOf } from "./audiences.ts";
import { bestTenth, spearman } from "./forecast-metrics.ts";

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

/** The forecaster that serves, and its parts alone. */
import type { Parts } from "../../../supabase/functions/_shared/ideas/forecast/blend.ts";
import { Forecaster, unblended } from "../../../supabase/functions/_shared/ideas/forecast/forecaster.ts";
import type { SettledPost } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { AudienceForecaster, NumberedPost } from "./forecast-protocol.ts";

/** What the function `ideas` says of an idea. */
export class ServedForecaster implements AudienceForecaster {
  readonly name: string = "ideas";
  protected forecaster = new Forecaster([]);

  train(posts: SettledPost[]): void {
    this.forecaster = new Forecaster(posts);
  }

  add(post: SettledPost): void {
    this.forecaster.add(post);
  }

  forecast(post: NumberedPost): number {
    return this.forecaster.forecast(post);
  }
}

/** One part of it. */
export class PartForecaster extends ServedForecaster {
  override readonly name: string;
  private readonly part: keyof Parts;

  constructor(name: string, part: keyof Parts) {
    super();
    this.name = name;
    this.part = part;
  }

  override train(posts: SettledPost[]): void {
    this.forecaster = new Forecaster(posts, unblended);
  }

  override forecast(post: NumberedPost): number {
    return this.forecaster.parts(post)[this.part];
  }
}

/** The mean of what an author's posts got; of all posts, for an author without any. */
export class AuthorMean implements AudienceForecaster {
  readonly name = "author's mean";
  private readonly all = { sum: 0, count: 0 };
  private readonly byAuthor = new Map<string | number, { sum: number; count: number }>();

  train(posts: SettledPost[]): void {
    for (const post of posts) this.add(post);
  }

  add({ author, people }: SettledPost): void {
    if (author !== null && !this.byAuthor.has(author)) this.byAuthor.set(author, { sum: 0, count: 0 });
    for (const mean of [this.all, author === null ? undefined : this.byAuthor.get(author)])
      if (mean) {
        mean.sum += people;
        mean.count++;
      }
  }

  forecast({ author }: NumberedPost): number {
    const { sum, count } = (author === null ? undefined : this.byAuthor.get(author)) ?? this.all;
    return count > 0 ? sum / count : 0;
  }
}

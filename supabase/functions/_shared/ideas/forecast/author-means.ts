/** Mean audience of an author's posts, shrunk towards the mean of all posts. */

/** Weight of the mean of all posts, in posts. */
const priorPosts = 5;

/** Sum and count of a value over posts. */
export interface Level {
  sum: number;
  count: number;
}

/** The mean of an author's posts, shrunk towards that of all; 0 if there are no posts. */
export function authorMean(all: Level, own: Level | undefined, prior = priorPosts): number {
  const mean = all.sum / Math.max(1, all.count);
  return own ? (own.sum + prior * mean) / (own.count + prior) : mean;
}

export class AuthorMeans {
  readonly all: Level = { sum: 0, count: 0 };
  private readonly levels = new Map<string | number, Level>();
  private readonly prior: number;

  /** `prior`: weight of the mean of all posts, in posts. */
  constructor(prior = priorPosts) {
    this.prior = prior;
  }

  add(author: string | number | null, value: number): void {
    this.all.sum += value;
    this.all.count++;
    if (author === null) return;
    const own = this.levels.get(author) ?? { sum: 0, count: 0 };
    own.sum += value;
    own.count++;
    this.levels.set(author, own);
  }

  of(author: string | number | null): number {
    return authorMean(this.all, author === null ? undefined : this.levels.get(author), this.prior);
  }
}

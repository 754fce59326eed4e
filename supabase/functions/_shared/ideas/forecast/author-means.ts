/** What authors' posts get, drawn towards what all posts get while an author has few. */

/** How many posts of the average author each author starts with. Of 1 to 20, none differs by more than .004 in Spearman on travel-se. */
const prior = 5;

export class AuthorMeans {
  private sum = 0;
  private count = 0;
  private readonly sums = new Map<string | number, { sum: number; count: number }>();

  add(author: string | number | null, value: number): void {
    this.sum += value;
    this.count++;
    if (author === null) return;
    const own = this.sums.get(author) ?? { sum: 0, count: 0 };
    own.sum += value;
    own.count++;
    this.sums.set(author, own);
  }

  /** 0 while there is no post at all. */
  of(author: string | number | null): number {
    const mean = this.sum / Math.max(1, this.count);
    const own = author === null ? undefined : this.sums.get(author);
    return own ? (own.sum + prior * mean) / (own.count + prior) : mean;
  }
}

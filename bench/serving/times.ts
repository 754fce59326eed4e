/** Sorted times of many requests, in milliseconds. */
export class Times {
  private readonly sorted: number[];

  constructor(times: number[]) {
    this.sorted = [...times].sort((a, b) => a - b);
  }

  quantile(q: number): number {
    return this.sorted[Math.min(this.sorted.length - 1, Math.floor(q * this.sorted.length))];
  }

  get median(): number {
    return this.quantile(0.5);
  }
}

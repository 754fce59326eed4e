/** Rows of named numbers, followed by vectors, in one growing Float32Array. */
export class StatsColumns<Name extends string> {
  private values = new Float32Array(0);
  private readonly names: readonly Name[];
  private readonly offsets: Record<Name, number>;
  private readonly width: number;

  /** `inVectors`: how many numbers a row's vectors have together. */
  constructor(names: readonly Name[], inVectors: number) {
    this.names = names;
    this.offsets = Object.fromEntries(names.map((name, offset) => [name, offset])) as Record<Name, number>;
    this.width = names.length + inVectors;
  }

  /** Writes a row; null leaves it at zeros. */
  set(row: number, named: Record<Name, number> | null, vectors: ArrayLike<number>[]): void {
    let at = row * this.width;
    if (at + this.width > this.values.length) this.grow();
    if (named === null) return;
    for (const name of this.names) this.values[at++] = named[name];
    for (const vector of vectors) {
      this.values.set(vector, at);
      at += vector.length;
    }
  }

  /** A named number of a row; read one by one, as the replay reads millions. */
  at(row: number, name: Name): number {
    return this.values[row * this.width + this.offsets[name]];
  }

  /** `length` numbers of a row's vectors from number `from` on, not copied. */
  vector(row: number, from: number, length: number): Float32Array {
    const at = row * this.width + this.names.length + from;
    return this.values.subarray(at, at + length);
  }

  private grow(): void {
    const larger = new Float32Array(Math.max(1024 * this.width, 2 * this.values.length));
    larger.set(this.values);
    this.values = larger;
  }
}

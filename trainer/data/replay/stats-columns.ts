/** Rows of named numbers, followed by vectors, in one growing array of floats. */
export class StatsColumns<Name extends string> {
  private values: Float32Array | Float64Array;
  private readonly Floats: typeof Float32Array | typeof Float64Array;
  private readonly names: readonly Name[];
  private readonly offsets: Record<Name, number>;
  private readonly width: number;

  /** `inVectors`: how many numbers a row's vectors have together. */
  constructor(
    names: readonly Name[],
    inVectors: number,
    Floats: typeof Float32Array | typeof Float64Array = Float32Array,
  ) {
    this.Floats = Floats;
    this.values = new Floats(0);
    this.names = names;
    this.offsets = Object.fromEntries(names.map((name, offset) => [name, offset])) as Record<Name, number>;
    this.width = names.length + inVectors;
  }

  /** Writes a row, what is null in it as NaN; null leaves it at zeros. */
  set(row: number, named: Readonly<Record<Name, number | boolean | null>> | null, vectors: ArrayLike<number>[]): void {
    let at = row * this.width;
    if (at + this.width > this.values.length) this.grow();
    if (named === null) return;
    for (const name of this.names) this.values[at++] = Number(named[name] ?? Number.NaN);
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
  vector(row: number, from: number, length: number): Float32Array | Float64Array {
    const at = row * this.width + this.names.length + from;
    return this.values.subarray(at, at + length);
  }

  private grow(): void {
    const larger = new this.Floats(Math.max(1024 * this.width, 2 * this.values.length));
    larger.set(this.values);
    this.values = larger;
  }
}

/**
 * An embedding table in typed arrays. A batch uses a few thousand of its rows: Adam steps those rows alone. Through TensorFlow.js
 * the same costs a gather, its gradient over every row and an Adam step of the whole table, which is most of a training step.
 */
import { type AdamOptions, adamStep, Weights } from "./adam.ts";

export class EmbeddingTable {
  readonly rows: number;
  readonly width: number;
  readonly weights: Weights;
  private readonly slotOf: Int32Array;
  private readonly used: Int32Array;
  private usedCount = 0;
  private gradient = new Float32Array(0);

  /** A table of `rows` × `width`, its values in row order. */
  constructor(rows: number, width: number, values: Float32Array = new Float32Array(rows * width)) {
    this.rows = rows;
    this.width = width;
    this.weights = new Weights(values);
    this.slotOf = new Int32Array(rows).fill(-1);
    this.used = new Int32Array(rows);
  }

  /** The same values, with none of the optimiser's moments. */
  copy(): EmbeddingTable {
    return new EmbeddingTable(this.rows, this.width, this.weights.values.slice());
  }

  /** out[outOffset …] += weight × the row. */
  addRow(row: number, weight: number, out: Float32Array, outOffset: number): void {
    const { values } = this.weights;
    const start = row * this.width;
    for (let d = 0; d < this.width; d++) out[outOffset + d] += weight * values[start + d];
  }

  /** Gathers weight × gradient[offset …] as a gradient of the row. */
  addGradient(row: number, weight: number, gradient: Float32Array, offset: number): void {
    let slot = this.slotOf[row];
    if (slot < 0) {
      slot = this.usedCount++;
      this.slotOf[row] = slot;
      this.used[slot] = row;
      this.grow();
    }
    const start = slot * this.width;
    for (let d = 0; d < this.width; d++) this.gradient[start + d] += weight * gradient[offset + d];
  }

  /** One Adam step, the `step`-th (from 1), of the rows that have a gradient, and forgets the gradients. */
  step(step: number, options: AdamOptions): void {
    for (let slot = 0; slot < this.usedCount; slot++) {
      const row = this.used[slot];
      adamStep(this.weights, row * this.width, this.gradient, slot * this.width, this.width, step, options);
      this.slotOf[row] = -1;
    }
    this.gradient.fill(0, 0, this.usedCount * this.width);
    this.usedCount = 0;
  }

  private grow(): void {
    if (this.usedCount * this.width <= this.gradient.length) return;
    const larger = new Float32Array(Math.max(1024 * this.width, 2 * this.gradient.length));
    larger.set(this.gradient);
    this.gradient = larger;
  }
}

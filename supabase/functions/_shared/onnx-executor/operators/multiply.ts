/**
 * Writes the product of `a` [rows, inner] and `b` [inner, columns] to `to` [rows, columns], each from its start on.
 * Blocks of 4 rows by 2 columns keep their sums in registers, in double precision.
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
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const a0 = aStart + row * inner;
    const a1 = a0 + inner;
    const a2 = a1 + inner;
    const a3 = a2 + inner;
    const out = toStart + row * columns;
    let column = 0;
    for (; column + 2 <= columns; column += 2) {
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
      const at = out + column;
      to[at] = s00;
      to[at + 1] = s01;
      to[at + columns] = s10;
      to[at + columns + 1] = s11;
      to[at + 2 * columns] = s20;
      to[at + 2 * columns + 1] = s21;
      to[at + 3 * columns] = s30;
      to[at + 3 * columns + 1] = s31;
    }
    if (column < columns) singly(a, b, to, row, row + 4, inner, column, columns, aStart, bStart, toStart);
  }
  if (row < rows) singly(a, b, to, row, rows, inner, 0, columns, aStart, bStart, toStart);
}

function singly(
  a: Float32Array,
  b: Float32Array,
  to: Float32Array,
  firstRow: number,
  rows: number,
  inner: number,
  firstColumn: number,
  columns: number,
  aStart: number,
  bStart: number,
  toStart: number,
): void {
  for (let row = firstRow; row < rows; row++) {
    for (let column = firstColumn; column < columns; column++) {
      let sum = 0;
      const left = aStart + row * inner;
      for (let k = 0, at = bStart + column; k < inner; k++, at += columns) sum += a[left + k] * b[at];
      to[toStart + row * columns + column] = sum;
    }
  }
}

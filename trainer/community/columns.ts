/** Tables in memory: an array a column, all of one length. */
// biome-ignore lint/suspicious/noExplicitAny: a column holds whatever its table says
type Column = any[] | Float64Array | Int32Array | Uint8Array;

/** The rows with some numbers, in the order of the numbers. A column that is added to a table needs no line here. */
export function pickRows<Table extends { [Name in keyof Table]: Column | undefined }>(
  table: Table,
  numbers: ArrayLike<number>,
): Table {
  const picked = Object.entries(table as Record<string, Column | undefined>).map(([name, column]) => {
    if (column === undefined) return [name, undefined];
    const kind = column.constructor as unknown as {
      from(numbers: ArrayLike<number>, of: (i: number) => number): Column;
    };
    return [name, kind.from(numbers, (i) => column[i])];
  });
  return Object.fromEntries(picked);
}

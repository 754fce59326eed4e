/** Tables in memory: one array per column, all of one length. */
// biome-ignore lint/suspicious/noExplicitAny: a column holds whatever its table says
type Column = any[] | Float64Array | Int32Array | Uint8Array;

/** The rows with the given numbers, in the order of the numbers. A column that is added to a table needs no line here. */
export function pickRows<Table extends { [Name in keyof Table]: Column | undefined }>(
  table: Table,
  numbers: ArrayLike<number>,
): Table {
  return eachColumn(table, (column) => {
    const kind = column.constructor as unknown as {
      from(numbers: ArrayLike<number>, of: (i: number) => number): Column;
    };
    return kind.from(numbers, (i) => column[i]);
  });
}

/** The first `count` rows. */
export function firstRows<Table extends { [Name in keyof Table]: Column | undefined }>(
  table: Table,
  count: number,
): Table {
  return eachColumn(table, (column) => column.slice(0, count));
}

function eachColumn<Table extends object>(table: Table, change: (column: Column) => Column): Table {
  const columns = Object.entries(table as Record<string, Column | undefined>);
  return Object.fromEntries(columns.map(([name, column]) => [name, column && change(column)])) as Table;
}

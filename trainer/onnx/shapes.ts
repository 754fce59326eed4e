/** A fixed size, or a symbol such as "N" for one that is known when the graph runs. */
export type Dimension = number | string;
export type Shape = Dimension[];

/** A shape as it is written in messages: `[N, 32]`. */
export function write(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The shape of two tensors stretched over each other, NumPy's rules; a symbol fits itself and 1. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes ${write(a)} and ${write(b)} do not fit together`);
    return x === 1 ? y : x;
  });
}

/** The shape of a matrix product in the last two axes, the axes before them stretched over each other. */
export function multiply(a: Shape, b: Shape): Shape {
  const [rows, inner] = a.slice(-2);
  const [innerB, columns] = b.slice(-2);
  if (a.length < 2 || b.length < 2 || inner !== innerB) throw new Error(`cannot multiply ${write(a)} by ${write(b)}`);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), rows, columns];
}

/** The shape that Reshape gives: 0 keeps the dimension of that axis, one -1 takes what is left. */
export function reshape(from: Shape, wanted: number[]): Shape {
  const shape: Shape = wanted.map((dim, axis) => (dim === 0 ? from[axis] : dim));
  const rest = shape.indexOf(-1);
  const given = product(shape.filter((_, axis) => axis !== rest));
  const all = product(from);
  const left = all.size / given.size;
  const symbols = without(all.symbols, given.symbols);
  const impossible = !Number.isInteger(left) || !symbols || (rest < 0 && (left !== 1 || symbols.length > 0));
  if (shape.includes(undefined as never) || impossible)
    throw new Error(`${write(from)} cannot take the shape ${write(wanted)}`);
  if (rest >= 0) shape[rest] = symbols.length === 0 ? left : [...(left === 1 ? [] : [left]), ...symbols].join("*");
  return shape;
}

/** An axis counted from the front; negative ones count from the back. Throws where there is no such axis. */
export function toAxis(axis: number, rank: number): number {
  const front = axis < 0 ? axis + rank : axis;
  if (front < 0 || front >= rank) throw new Error(`axis ${axis} of a tensor of rank ${rank}`);
  return front;
}

/** The shape with axes of 1 put in, numbered as they are in the result. */
export function unsqueeze(from: Shape, axes: number[]): Shape {
  const added = new Set(axes.map((axis) => toAxis(axis, from.length + axes.length)));
  const rest = from.values();
  return Array.from({ length: from.length + axes.length }, (_, axis) =>
    added.has(axis) ? 1 : (rest.next().value as Dimension),
  );
}

function product(shape: Shape): { size: number; symbols: string[] } {
  let size = 1;
  for (const dim of shape) if (typeof dim === "number") size *= dim;
  return { size, symbols: shape.filter((dim) => typeof dim === "string").sort() };
}

function without(all: string[], some: string[]): string[] | undefined {
  const left = [...all];
  for (const symbol of some) {
    const index = left.indexOf(symbol);
    if (index < 0) return undefined;
    left.splice(index, 1);
  }
  return left;
}

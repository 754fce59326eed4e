/** What a benchmark finds. */

/** A figure and the floor that was measured in the same run: what the same would cost without what is being measured. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  floor?: { what: string; value: number };
  /** What it is meant to reach: of the value, or of the ratio of value and floor. */
  bar?: Bar;
}

interface Bar {
  of: "value" | "ratio";
  must: "be at most" | "be at least";
  limit: number;
}

/** What one benchmark of the suite found. */
export interface Finding {
  figures: Figure[];
  /** What else is worth knowing of the run, by name. */
  details?: Record<string, number | string>;
}

/** Value by floor; undefined without a floor. */
export function ratioOf({ value, floor }: Figure): number | undefined {
  return floor && value / floor.value;
}

/** Whether a figure reaches its bar; undefined: it has none. */
export function reaches(figure: Figure): boolean | undefined {
  if (!figure.bar) return undefined;
  const { of, must, limit } = figure.bar;
  const measured = of === "value" ? figure.value : (ratioOf(figure) ?? Number.NaN);
  return must === "be at most" ? measured <= limit : measured >= limit;
}

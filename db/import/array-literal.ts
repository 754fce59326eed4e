/** A Postgres array literal of texts: `["a", 'b"c']` becomes `{"a","b\"c"}`. */
export function textArray(values: string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** An array literal of values that need no quotes (uuids, numbers, times, words); null stays null. */
export function plainArray(values: (string | number | null)[]): string {
  return `{${values.map((value) => value ?? "null").join(",")}}`;
}

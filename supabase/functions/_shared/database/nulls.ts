/** An app may leave a text or a list of its posts and people null: the engine reads it as an empty one. */

/** A text column as SQL. */
export function textOf(column: string): string {
  return `coalesce(${column}, '')`;
}

/** A column of texts as SQL, without those that are null. */
export function listOf(column: string): string {
  return `array_remove(coalesce(${column}, '{}'), null)`;
}

/**
 * One line of JSON on standard error for the operator: the code that the caller got, and what really happened. Only the
 * error's own words are written, never the objects that drivers hang on it.
 */
export function logFailure(name: string, code: string, cause: unknown): void {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { code: reason } = error as { code?: unknown };
  console.error(JSON.stringify({ function: name, code, error: error.message, reason, stack: error.stack }));
}

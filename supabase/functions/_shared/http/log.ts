/**
 * One line of JSON on standard error for the operator: the code that the caller got, and what really happened. Only the
 * error's own words are written, never the objects that drivers hang on it (a query, its values), and no secret among the words.
 */
export function logFailure(name: string, code: string, cause: unknown): void {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  // an error for the caller says what that means for them, its cause what happened
  const { code: reason, stack, message } = error.cause instanceof Error ? (error.cause as Failure) : (error as Failure);
  const because = message === error.message ? undefined : withoutSecrets(message);
  const where = framesOf(stack ?? "");
  console.error(JSON.stringify({ function: name, code, error: withoutSecrets(error.message), because, reason, where }));
}

/** As drivers and the platform throw it. */
interface Failure extends Error {
  code?: unknown;
}

/** Passwords in addresses, tokens and API keys. */
function withoutSecrets(text: string): string {
  return text
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s'"]*@/gi, "$1…@")
    .replaceAll(/\beyJ[\w-]*\.[\w-]*\.?[\w-]*/g, "a token")
    .replaceAll(/\bsb_(secret|publishable)_\w*/g, "sb_$1_…");
}

/** The innermost frames of a stack, as `function file:line:column`: the folders of a deployment tell nobody anything. */
function framesOf(stack: string): string[] {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, 8).map((line) =>
    line
      .trim()
      .slice("at ".length)
      .replaceAll(/\(?[^\s(]*[/\\]([^/\\]+:\d+:\d+)\)?/g, "$1"),
  );
}

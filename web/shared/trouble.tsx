import { RecsysError } from "../../client/src/index.ts";

interface TroubleProps {
  error: unknown;
  again?: (() => void) | undefined;
  /** What its button says. */
  how?: string;
}

/** Says what went wrong, aloud to a screen reader, and offers to ask again. */
export function Trouble({ error, again, how = "Ask again" }: TroubleProps) {
  return (
    <div class="trouble" role="alert">
      <p>{explain(error)}</p>
      {again && (
        <button type="button" onClick={again}>
          {how}
        </button>
      )}
    </div>
  );
}

const offline = "You are offline.";

/** An error in words for whoever looks at the page. */
function explain(error: unknown): string {
  if (error instanceof RecsysError) {
    if (error.code === "too_many_requests")
      return `That was a lot at once. Ask again in ${error.retryAfter ?? 60} seconds.`;
    if (error.code === "unreachable" && !navigator.onLine) return offline;
    if (error.code === "unreachable" || (error.status ?? 0) >= 500) return "The recommender does not answer right now.";
    return error.message;
  }
  const { message } = error as { message?: string };
  if (!message || /fetch/i.test(message)) return navigator.onLine ? "The server does not answer right now." : offline;
  return message;
}

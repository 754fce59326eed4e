import { explain } from "./explain.ts";

/** Says what went wrong, aloud to a screen reader, and offers to ask again. */
export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{explain(error)}</p>
      {again && (
        <button type="button" onClick={again}>
          Ask again
        </button>
      )}
    </div>
  );
}

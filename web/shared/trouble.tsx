import { explain } from "./explain.ts";

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

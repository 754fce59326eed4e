import type { Head } from "../../supabase/functions/_shared/features/kinds.ts";

/** The one colour of an act in charts, tables and cards: base.css has it by day and by night. */
export const colourOf = (act: Head) => `var(--${act})`;

/** An act, or how often it was done, behind a sign in its colour. */
export function ActName({ act, text = act }: { act: Head; text?: string }) {
  return (
    <span class="act">
      <i aria-hidden="true" style={{ background: colourOf(act) }} /> {text}
    </span>
  );
}

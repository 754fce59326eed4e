import { CheckField, Trouble } from "../../shared/elements.tsx";
import { useLoaded, useOnce } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { readWithheld, withhold } from "../app-tables.ts";

interface WithholdProps {
  userId: string;
  /** null: all that they write. */
  postId: string | null;
  text: string;
}

/** Whether a post is recommended only to followers of its author. */
export function Withhold({ userId, postId, text }: WithholdProps) {
  const { supabase } = useProject();
  const { busy, error, once } = useOnce();
  const withheld = useLoaded(() => readWithheld(supabase, userId, postId), [supabase, userId, postId]);
  const change = (to: boolean) =>
    once(async () => {
      await withhold(supabase, userId, postId, to);
      withheld.again();
    });
  return (
    <>
      <CheckField
        type="checkbox"
        checked={withheld.value ?? false}
        disabled={busy || withheld.value === undefined}
        onChange={(event) => change(event.currentTarget.checked)}
      >
        {text}
      </CheckField>
      {(error ?? withheld.error) !== undefined && <Trouble error={error ?? withheld.error} again={withheld.again} />}
    </>
  );
}

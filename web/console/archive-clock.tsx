import { useLoaded } from "../shared/use-loaded.ts";
import { cell } from "./cell.ts";
import { type Table, useAsk } from "./console-client.ts";

/** Says which day it is in a community from an archive; without it a model would have learned until many months before it was trained. */
export function ArchiveClock() {
  const ask = useAsk();
  const { value } = useLoaded(() => ask<Table>("clock"), [ask]);
  const [clock] = value?.rows ?? [];
  if (!clock?.is_archive) return null;
  return (
    <p class="hint">
      This community comes from an archive, and its clock stands at <strong>{cell(clock.now)}</strong>. Only models are
      dated by the clock on the wall.
    </p>
  );
}

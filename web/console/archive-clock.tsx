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
      This community comes from an archive: its clock is set back, and stands at <strong>{cell(clock.now)}</strong>.
      What people did, saw and wrote is dated by it; when a model was trained, published or switched, by the clock on
      the wall.
    </p>
  );
}

import { nowOf } from "../shared/clock.ts";
import { useProject } from "../shared/project.ts";

/** Says which day it is in a community from an archive, whose posts would else be "just written" and many months old. */
export function ArchiveClock() {
  const { config } = useProject();
  if (!config.clockShift) return null;
  const today = new Date(nowOf(config)).toLocaleDateString("en", { dateStyle: "long" });
  return (
    <p class="hint">
      In this community it is <strong>{today}</strong>: it comes from an archive, and its clock goes on from there.
    </p>
  );
}

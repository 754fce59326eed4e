import type { Pool } from "../_shared/database/database.ts";
import { runAsOwner } from "./as-caller.ts";

/** Milliseconds by which the clock of the community is behind: of an archive that was imported; 0 where the database does not answer. */
export async function clockShift(pool: Pool): Promise<number> {
  const statement = {
    text: "select (extract(epoch from clock_shift) * 1000)::double precision as milliseconds from recsys.settings",
    values: [],
  };
  return await runAsOwner<{ milliseconds: number }>(pool, statement).then(
    ([{ milliseconds }]) => milliseconds,
    () => 0,
  );
}

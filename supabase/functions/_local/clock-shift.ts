import type { Pool } from "../_shared/database/database.ts";
import { db, milliseconds } from "../_shared/database/query.ts";
import { runAsOwner } from "./as-caller.ts";

/** Milliseconds by which the clock of the community is behind: of an archive that was imported; 0 where the database does not answer. */
export async function clockShift(pool: Pool): Promise<number> {
  const shift = db.selectFrom("recsys.settings").select(({ ref }) => milliseconds(ref("clock_shift")).as("shift"));
  return await runAsOwner(pool, shift).then(
    ([{ shift }]) => shift,
    () => 0,
  );
}

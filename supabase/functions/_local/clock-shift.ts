import type { Pool } from "../_shared/database/database.ts";
import { db, milliseconds } from "../_shared/database/query.ts";
import { runAsOwner } from "./as-caller.ts";

/** Milliseconds by which an imported archive's clock is behind; 0 if the database does not respond. */
export async function clockShift(pool: Pool): Promise<number> {
  const shift = db.selectFrom("recsys.settings").select(({ ref }) => milliseconds(ref("clock_shift")).as("shift"));
  return await runAsOwner(pool, shift).then(
    ([{ shift }]) => shift,
    () => 0,
  );
}

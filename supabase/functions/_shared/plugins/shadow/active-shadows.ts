/** Which shadows run, and which of them scores a request. */
import { sql } from "kysely";
import type { Pool } from "../../database/database.ts";
import { db } from "../../database/query.ts";
import { service, transactAs } from "../../database/run-as-caller.ts";

/** A model that scores a share of the requests without being shown. */
export interface Shadow {
  model_id: number;
  /** From above 0 to 1, in steps of 0.0001. */
  share: number;
}

/** As many as recsys_engine.bucket() has. */
const buckets = 10_000;

/** Each has requests of its own: the first those of the first buckets, and so on. null: none scores this one. */
export function shadowOf(requestId: string, shadows: Shadow[]): Shadow | null {
  // the first 32 bits of an id that was drawn for the request are as good as a hash
  const bucket = Number.parseInt(requestId.slice(0, 8), 16) % buckets;
  let end = 0;
  for (const shadow of shadows) {
    end += Math.round(shadow.share * buckets);
    if (bucket < end) return shadow;
  }
  return null;
}

/** The shadows that run, the first started first. */
export async function readShadows(pool: Pool): Promise<Shadow[]> {
  return await transactAs(pool, service, runningShadows(), async (_, rows) => rows, "2s");
}

function runningShadows() {
  return db
    .selectFrom("recsys.shadows")
    .select(({ ref }) => ["model_id", sql<number>`${ref("share")}::double precision`.as("share")])
    .where("ended_at", "is", null)
    .orderBy("shadow_id");
}

import { type Recsys, RecsysError } from "../../../client/src/index.ts";
import type { Ideas } from "../../../client/src/types.ts";

/** Ideas for whoever is signed in; null: this project has no function `ideas`. */
export async function readIdeas(recommender: Recsys): Promise<Ideas | null> {
  try {
    return await recommender.ideas();
  } catch (error) {
    // of somebody without a profile the function itself says 404, in its own words
    if (error instanceof RecsysError && error.status === 404 && error.code !== "unknown_user") return null;
    throw error;
  }
}

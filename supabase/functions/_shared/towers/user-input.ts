/** Converts a user's row to the input of the user tower. */
import { parseVector, parseVectors } from "../database/vectors.ts";
import type { UserInput } from "../features/tower-inputs.ts";

/** A row with the user tower's input, as the driver returns it. */
export interface UserTextRow {
  passions: string[];
  projects: string[];
  bio: string;
  id_embedding: string | null;
  history: string;
  /** pgvector's text; null if there are no followee posts that the user may read; left out if not used. */
  followed?: string | null;
  /** Components of their own vector; null or left out if there are none. */
  components?: string | null;
}

/** Parses the row; columns that the app left null become empty. */
export function userInput(row: UserTextRow): UserInput {
  return {
    passions: row.passions ?? [],
    projects: row.projects ?? [],
    bio: row.bio ?? "",
    id_embedding: row.id_embedding === null ? null : parseVector(row.id_embedding),
    history: parseVectors(row.history),
    followed: row.followed ? parseVector(row.followed) : null,
    vector: row.components ? parseVector(row.components) : null,
  };
}

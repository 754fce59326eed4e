/** A user's row as the user tower reads it. */
import { parseVector, parseVectors } from "../database/vectors.ts";
import type { UserInput } from "../features/tower-inputs.ts";

/** What the user tower is told, as the driver hands it over. */
export interface UserTextRow {
  passions: string[];
  projects: string[];
  bio: string;
  id_embedding: string | null;
  history: string;
  /** null: those whom they follow did nothing that they may read; left out: it does not count. */
  followed?: string | null;
  /** The components of their own vector; null or left out: none. */
  components?: string | null;
}

/** The row as the tower takes it; what an app left null is empty. */
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

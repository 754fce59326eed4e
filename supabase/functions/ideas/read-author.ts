import type { Statement } from "../_shared/database/database.ts";

/** A row of recsys.idea_author. */
export interface AuthorRow {
  is_known: boolean;
  /** null: no model is active. */
  model_id: string | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  /** As pgvector's text; null: they have no vector. */
  embedding: string | null;
  muted: string[];
}

/** Who asks; to be asked as the caller. */
export function readAuthor(): Statement<AuthorRow> {
  return { text: "select * from recsys.idea_author()", values: [] };
}

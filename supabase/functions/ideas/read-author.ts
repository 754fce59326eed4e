import { asService, readAs } from "../_shared/database/caller.ts";
import { call, type Pool, type Statement } from "../_shared/database/database.ts";
import type { Claims } from "../_shared/http/auth.ts";
import { audiencesOf } from "../_shared/ideas/read-idea-source.ts";

/** A row of recsys.idea_author. */
export interface AuthorRow {
  is_known: boolean;
  /** null: no model is active. */
  model_id: number | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  /** As pgvector's text; null: they have no vector. */
  embedding: string | null;
  muted: string[];
  /** Their latest posts whose week is over. */
  post_ids: string[];
  /** What they wrote, and what everybody wrote in the last week. */
  titles: string[];
}

/** Who asks, and how many people came to each of their latest posts in its first week. */
export async function readAuthor(pool: Pool, claims: Claims): Promise<AuthorRow & { people: number[] }> {
  const statement: Statement<AuthorRow> = call("recsys.idea_author", {});
  return await readAs(pool, claims, statement, async (connection, [row]) => {
    if (row.post_ids.length === 0) return { ...row, people: [] };
    const [{ people }] = await asService(connection, claims.role, audiencesOf(row.post_ids));
    return { ...row, people };
  });
}

import { call, type Pool, type Statement } from "../_shared/database/database.ts";
import { queryAsService, readAs } from "../_shared/database/run-as-caller.ts";
import type { Claims } from "../_shared/http/auth.ts";
import { anyMember, readAudiences } from "../_shared/ideas/read-idea-source.ts";

/** A row of recsys_engine.idea_author. */
export interface AuthorRow {
  is_known: boolean;
  /** Whether they want no personalisation: nothing of theirs is read but what they muted. */
  is_impersonal: boolean;
  /** null: no model is active. */
  model_id: number | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  /** As pgvector's text; null: they have no vector. */
  embedding: string | null;
  muted: string[];
  muted_parts: string[];
  /** Their latest posts whose week is over. */
  post_ids: string[];
  /** What they wrote, and what everybody wrote in the last week. */
  titles: string[];
}

/**
 * Who asks, and how many people interacted with each of their latest posts in its first week: of those that any member may read. Of one that
 * they show to a single person, the forecast would say whether that person came.
 */
export async function readAuthor(pool: Pool, claims: Claims): Promise<AuthorRow & { people: number[] }> {
  const statement: Statement<AuthorRow> = call("recsys_engine.idea_author", {});
  return await readAs(pool, claims, statement, async (connection, [row]) => {
    if (row.post_ids.length === 0) return { ...row, people: [] };
    const ofAnyMember = { p_user_ids: [anyMember.sub], p_post_ids: row.post_ids };
    const [readable] = await queryAsService(connection, claims.role, call("recsys_engine.readable_posts", ofAnyMember));
    const [{ people }] = await queryAsService(connection, claims.role, readAudiences(readable.post_ids));
    return { ...row, people };
  });
}

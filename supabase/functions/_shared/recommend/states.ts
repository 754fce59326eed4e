/** From rows to what the towers and the ranker take. Where the feature store has no row yet, nothing has happened. */
import { type Candidate, halfLives, type Source, sources, type UserState } from "../features/ranker-features.ts";
import type { UserInput } from "../features/tower-inputs.ts";
import type { CandidateRow } from "./read-candidates.ts";
import type { ContextRow } from "./read-context.ts";
import { parseVector, parseVectors } from "./vectors.ts";

const nothing = halfLives.map(() => 0);

export function userInput(row: ContextRow): UserInput {
  return {
    passions: row.passions ?? [],
    projects: row.projects ?? [],
    bio: row.bio ?? "",
    id_embedding: row.id_embedding === null ? null : parseVector(row.id_embedding),
    history: parseVectors(row.history),
  };
}

export function userState(row: ContextRow): UserState {
  return {
    created_at: Number(row.created_at),
    last_active_at: milliseconds(row.last_active_at),
    views: row.views ?? 0,
    votes: row.votes ?? 0,
    comments: row.comments ?? 0,
    logins: row.logins ?? 0,
    recent: row.recent ?? nothing,
    recent_logins: row.recent_logins ?? nothing,
    habit_log_age: row.habit_log_age,
    habit_log_idle: row.habit_log_idle,
    recent_interactions: row.recent_interactions ?? [],
    history: parseVectors(row.history),
  };
}

/** A candidate with what the answer names it by. */
export interface PostCandidate extends Candidate {
  post_id: string;
}

export function postCandidate(row: CandidateRow): PostCandidate {
  return {
    post_id: row.post_id,
    title: row.title,
    tags: row.tags,
    author_id: row.author_id,
    created_at: Number(row.created_at),
    embedding: row.embedding === null ? null : parseVector(row.embedding),
    similarity: row.similarity ?? 0,
    ranks: Object.fromEntries(sources.map((source) => [source, row[`${source}_rank`]])) as Record<
      Source,
      number | null
    >,
    last_active_at: milliseconds(row.last_active_at),
    kind: row.kind,
    views: row.views ?? 0,
    votes: row.votes ?? 0,
    comments: row.comments ?? 0,
    participants: row.participants ?? 0,
    last_comment_at: milliseconds(row.last_comment_at),
    by_author: row.by_author ?? false,
    recent: row.recent ?? nothing,
    author_affinity: row.author_affinity,
  };
}

function milliseconds(date: Date | null): number | null {
  return date === null ? null : Number(date);
}

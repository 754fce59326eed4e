import type { Source } from "../../features/retrieval.ts";
import type { Reason } from "../feed.ts";

/** What the source alone tells. */
export function plainReason(source: Source, authorId: string | null): Reason {
  if (source !== "followed") return { kind: source };
  // the source asks for posts of authors, so there is one
  return authorId === null ? { kind: "active" } : { kind: "followed_author", author_id: authorId };
}

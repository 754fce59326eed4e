import type { UserText } from "../features/tokens.ts";
import type { Feed } from "./feed.ts";

export type Basis = Feed["basis"];

/** What a feed that a model ranked is based on. */
export function basisOf(hasHistory: boolean, { passions, projects, bio }: UserText): Basis {
  if (hasHistory) return "history";
  return passions.length + projects.length + bio.length > 0 ? "profile" : "community";
}

import type { UserText } from "../features/tokens.ts";

/** history: from what the user did. profile: from what they say of themselves. community: what is fresh and popular. */
export type Basis = "history" | "profile" | "community";

/** What a feed that a model ranked is based on. */
export function basisOf(hasHistory: boolean, { passions, projects, bio }: UserText): Basis {
  if (hasHistory) return "history";
  return passions.length + projects.length + bio.length > 0 ? "profile" : "community";
}

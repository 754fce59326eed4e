import { go } from "../../shared/use-route.ts";

export interface Draft {
  title: string;
  description: string;
  tags: string[];
}

let waiting: Draft | undefined;

/** Opens the form for a new post, filled in. */
export function writeFrom(draft: Draft): void {
  waiting = draft;
  go("write");
}

/** The draft that waits; it is given out once. */
export function takeDraft(): Draft {
  const draft = waiting ?? { title: "", description: "", tags: [] };
  waiting = undefined;
  return draft;
}

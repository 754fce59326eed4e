import { Trouble } from "../shared/trouble.tsx";
import type { FeedOf } from "./use-feed.ts";

interface FailedProps {
  feed: Pick<FeedOf, "failures" | "act">;
  /** Of what: see placeOf. */
  place: string;
  /** Does it once more, where that takes more than the same acts. */
  again?(): void;
}

/** What its reader did and was not stored, where they did it; to be done again. */
export function Failed({ feed: { failures, act }, place, again }: FailedProps) {
  const failure = failures.get(place);
  if (!failure) return null;
  return <Trouble error={failure.error} again={again ?? (() => act(...failure.acts))} how="Try again" />;
}

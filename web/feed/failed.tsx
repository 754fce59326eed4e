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

/** What was not stored of posts that have left the feed since; of one that is there, its card says it. */
export function FailedElsewhere({ feed }: { feed: FeedOf }) {
  const shown = new Set(feed.items.map(({ post_id }) => post_id));
  return [...feed.failures].map(([place, { acts }]) => {
    const [act] = acts;
    // a comment is in its draft, which stands here, too
    if (!("post_id" in act) || act.post_id !== place || shown.has(place)) return null;
    return (
      <section key={place} class="card stack" aria-label={`Not stored: ${act.title}`}>
        <p>
          <strong dir="auto">{act.title}</strong>
        </p>
        <Failed feed={feed} place={place} />
      </section>
    );
  });
}

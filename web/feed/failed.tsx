import { Trouble } from "../shared/elements.tsx";
import { useTheFeed } from "./use-feed.ts";

interface FailedProps {
  /** The place of the failure: see placeOf. */
  place: string;
  /** Does it once more, where that takes more than the same acts. */
  again?(): void;
}

/** What its reader did and was not stored, where they did it; to be done again. */
export function Failed({ place, again }: FailedProps) {
  const { failures, act } = useTheFeed();
  const failure = failures.get(place);
  if (!failure) return null;
  return <Trouble error={failure.error} again={again ?? (() => act(...failure.acts))} how="Try again" />;
}

/** What was not stored of posts that have left the feed since; of one that is there, its card says it. */
export function FailedElsewhere() {
  const { items, failures } = useTheFeed();
  const shown = new Set(items.map(({ post_id }) => post_id));
  return [...failures].map(([place, { acts }]) => {
    const [act] = acts;
    // a comment is in its draft, which stands here, too
    if (!("post_id" in act) || act.post_id !== place || shown.has(place)) return null;
    return (
      <section key={place} class="card stack" aria-label={`Not stored: ${act.title}`}>
        <p>
          <strong dir="auto">{act.title}</strong>
        </p>
        <Failed place={place} />
      </section>
    );
  });
}

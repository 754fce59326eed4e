import { Failed } from "../failed.tsx";
import type { FeedOf } from "../use-feed.ts";

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

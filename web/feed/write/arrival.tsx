import { useEffect, useState } from "preact/hooks";
import { Button } from "../../shared/elements.tsx";
import { useStored } from "../../shared/hooks.ts";
import { sayWhy } from "../format.ts";
import { useTheFeed } from "../use-feed.ts";
import { type WatchedPost, writtenName } from "./draft.ts";

/** How far down it is worth looking. */
const deepest = 100;

/** As another person: whether the post that was just written is in their feed, at which place, and why. */
export function Arrival() {
  const [written, setWritten] = useStored<WatchedPost | null>(writtenName, null);
  const [isLooking, setLooking] = useState(false);
  const { userId, items, names, busy, error, feed, more, refresh } = useTheFeed();
  const found = written && items.find(({ post_id }) => post_id === written.post_id);
  const goesOn = isLooking && !found && items.length < deepest && Boolean(feed?.next);
  useEffect(() => {
    if (goesOn && !busy && !error) more();
  }, [goesOn, busy, error, more]);
  if (!written || written.author_id === userId || items.length === 0) return null;
  return (
    <section class="card moved row spread" aria-label="The post that was just written">
      <p role="status">
        {found ? (
          <>
            “<bdi>{written.title}</bdi>” has arrived: it is at place <strong>{found.position}</strong> of this feed.{" "}
            <span class="soft">{sayWhy(found.why, found.basis, names)}.</span>
          </>
        ) : (
          <>
            “<bdi>{written.title}</bdi>” is not among the first {items.length} posts of this feed.
          </>
        )}
      </p>
      <div class="row">
        {found ? (
          <Button onClick={() => document.getElementById(found.post_id)?.scrollIntoView({ block: "center" })}>
            Go to it
          </Button>
        ) : (
          <>
            {!goesOn && items.length < deepest && feed?.next && (
              <Button onClick={() => setLooking(true)}>Look further down</Button>
            )}
            <Button disabled={busy !== undefined} onClick={refresh}>
              Look again
            </Button>
          </>
        )}
        <Button onClick={() => setWritten(null)}>Close</Button>
      </div>
    </section>
  );
}

import { useEffect, useState } from "preact/hooks";
import { useStored } from "../../shared/stored.ts";
import { sayWhy } from "../posts/say-why.ts";
import type { FeedOf } from "../use-feed.ts";
import { type Written, writtenName } from "./draft.ts";

/** How far down it is worth looking. */
const deepest = 100;

/** As another person: whether the post that was just written is in their feed, at which place, and why. */
export function Arrival({ feed, userId }: { feed: FeedOf; userId: string }) {
  const [written, setWritten] = useStored<Written | null>(writtenName, null);
  const [isLooking, setLooking] = useState(false);
  const { items, posts, busy, more, refresh } = feed;
  const found = written && items.find(({ post_id }) => post_id === written.post_id);
  const goesOn = isLooking && !found && items.length < deepest && Boolean(feed.feed?.next);
  useEffect(() => {
    if (goesOn && !busy && !feed.error) more();
  }, [goesOn, busy, feed.error, more]);
  if (!written || written.author_id === userId || items.length === 0) return null;
  return (
    <section class="card moved row spread" aria-label="The post that was just written">
      <p role="status">
        {found ? (
          <>
            “{written.title}” has arrived: it is at place <strong>{found.position}</strong> of this feed.{" "}
            <span class="soft">{sayWhy(found.why, found.basis, posts)}.</span>
          </>
        ) : (
          `“${written.title}” is not among the first ${items.length} posts of this feed.`
        )}
      </p>
      <div class="row">
        {found ? (
          <button
            type="button"
            onClick={() => document.getElementById(found.post_id)?.scrollIntoView({ block: "center" })}
          >
            Go to it
          </button>
        ) : (
          <>
            {!goesOn && items.length < deepest && feed.feed?.next && (
              <button type="button" onClick={() => setLooking(true)}>
                Look further down
              </button>
            )}
            <button type="button" disabled={busy !== undefined} onClick={refresh}>
              Look again
            </button>
          </>
        )}
        <button type="button" onClick={() => setWritten(null)}>
          Close
        </button>
      </div>
    </section>
  );
}

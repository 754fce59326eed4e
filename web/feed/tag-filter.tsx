import { useEffect, useRef } from "preact/hooks";
import type { FeedOf } from "./use-feed.ts";

/** Says that the feed is of one tag alone, and shows all of it again. */
export function TagFilter({ feed: { tag, only } }: { feed: FeedOf }) {
  const button = useRef<HTMLButtonElement>(null);
  const before = useRef(tag);
  useEffect(() => {
    if (tag === before.current) return;
    before.current = tag;
    // the chip that was pressed may be gone with its card, or be far down
    scrollTo(0, 0);
    button.current?.focus({ preventScroll: true });
  }, [tag]);
  if (tag === undefined) return null;
  return (
    <p class="row spread" role="status">
      <span>
        Only posts about <strong dir="auto">{tag}</strong>
      </span>
      <button type="button" ref={button} onClick={() => only(undefined)}>
        Show all
      </button>
    </p>
  );
}

import { useEffect, useRef } from "preact/hooks";
import type { FeedOf } from "./use-feed.ts";

/** Says that the feed is of one tag alone, and shows all of it again. */
export function TagFilter({ feed: { tag, only } }: { feed: FeedOf }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // the chip that was pressed is gone with its card
    if (tag !== undefined && document.activeElement === document.body) button.current?.focus();
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

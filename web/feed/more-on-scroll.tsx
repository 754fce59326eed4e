import { useEffect, useRef } from "preact/hooks";
import type { FeedOf } from "./use-feed.ts";

/** Asks for the next page when its button comes near; who does not scroll presses it. */
export function MoreOnScroll({ feed: { items, feed, busy, error, more } }: { feed: FeedOf }) {
  const button = useRef<HTMLButtonElement>(null);
  const waits = busy === undefined && error === undefined && Boolean(feed?.next);
  useEffect(() => {
    if (!waits || !button.current) return;
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), { rootMargin: "300px" });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [waits, more]);
  if (items.length === 0 || !feed) return null;
  if (!feed.next) return <p class="soft centred">That is all there is for you.</p>;
  return (
    <button type="button" class="wide" ref={button} disabled={busy !== undefined} onClick={more}>
      {busy === "more" ? "Loading more …" : "More posts"}
    </button>
  );
}

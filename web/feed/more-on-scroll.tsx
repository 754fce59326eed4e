import { useEffect, useRef } from "preact/hooks";
import { Trouble } from "../shared/trouble.tsx";
import type { FeedOf } from "./use-feed.ts";

/** Asks for the next page when its button comes near; who does not scroll presses it. A page that failed is asked for again here. */
export function MoreOnScroll({ feed: { items, feed, busy, error, asked, more, retry } }: { feed: FeedOf }) {
  const button = useRef<HTMLButtonElement>(null);
  const waits = busy === undefined && error === undefined && Boolean(feed?.next);
  useEffect(() => {
    if (!waits || !button.current) return;
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), { rootMargin: "300px" });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [waits, more]);
  if (items.length === 0 || !feed) return null;
  if (error !== undefined && asked === "more") return <Trouble error={error} again={retry} />;
  if (!feed.next) return <p class="soft centred">That is all there is for you.</p>;
  return (
    <button type="button" class="wide" ref={button} disabled={busy !== undefined} onClick={more}>
      {busy === "more" ? "Loading more …" : "More posts"}
    </button>
  );
}

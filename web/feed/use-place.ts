import { type MutableRef, useLayoutEffect } from "preact/hooks";

/** Where a reader is in a feed: a post, and how far below the top of the window. Pixels of the page would not do, as posts grow. */
export interface Place {
  post_id: string;
  top: number;
}

/** Goes on where the reader left the feed for another view, and keeps that when they leave. */
export function usePlace(place: MutableRef<Place | undefined>): void {
  useLayoutEffect(() => {
    const { current } = place;
    const post = current && document.getElementById(current.post_id);
    if (post) {
      scrollBy(0, post.getBoundingClientRect().top - current.top);
      post.querySelector("button")?.focus({ preventScroll: true });
    }
    return () => {
      place.current = placeNow();
    };
  }, [place]);
}

/** Of the first post of which something is in view; undefined: the reader is above all posts. */
function placeNow(): Place | undefined {
  for (const post of document.querySelectorAll("li.post")) {
    const { top, bottom } = post.getBoundingClientRect();
    if (bottom > 0) return scrollY > 0 ? { post_id: post.id, top } : undefined;
  }
  return undefined;
}

import { type RefCallback, useCallback, useRef } from "react";
import type { ShownItem } from "./feed-pages.ts";
import type { Recsys } from "./index.ts";
import { viewObserver } from "./page.ts";

/** Half of a card, or half of the window where a card is taller than that. */
const half = 0.5;

/**
 * Tracks that posts were seen, each once, when half of their card is in view: `<li ref={seen(item)}>`. The next feeds leave them out, and the
 * next model learns from what was seen and passed by. In React Native a list says what is in view, and nothing is tracked here.
 */
export function useSeen(
  recommender: Recsys,
): (item: Pick<ShownItem, "post_id" | "request_id">) => RefCallback<Element> {
  const cards = useRef(new WeakMap<Element, Pick<ShownItem, "post_id" | "request_id">>());
  const told = useRef(new Set<string>());
  const observer = useRef<IntersectionObserver>(undefined);

  const look = useCallback(
    (entries: IntersectionObserverEntry[]) => {
      for (const { target, intersectionRatio, intersectionRect, rootBounds } of entries) {
        const item = cards.current.get(target);
        if (!item || (intersectionRatio < half && intersectionRect.height < half * (rootBounds?.height ?? Infinity)))
          continue;
        observer.current?.unobserve(target);
        const { post_id, request_id } = item;
        const impression = `${request_id} ${post_id}`;
        if (told.current.has(impression)) continue;
        told.current.add(impression);
        recommender.track({ type: "seen", post_id, request_id });
      }
    },
    [recommender],
  );

  return useCallback(
    (item) => (element) => {
      if (element === null) return;
      cards.current.set(element, item);
      // needs no end: it goes with its cards
      observer.current ??= viewObserver(look, { threshold: [0.1, 0.2, 0.3, 0.4, half] });
      observer.current?.observe(element);
    },
    [look],
  );
}

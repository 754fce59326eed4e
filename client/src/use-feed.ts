import { type RefCallback, useCallback, useEffect, useRef, useState } from "react";
import type { RecsysError } from "./error.ts";
import type { Recsys } from "./index.ts";
import { viewObserver } from "./page.ts";
import type { Feed, FeedItem, FeedRequest } from "./types.ts";

/** A post, and the feed that brought it. */
export interface ShownItem extends FeedItem {
  request_id: string;
}

/** The pages of a feed so far. */
export interface FeedPages {
  items: ShownItem[];
  /** The latest page without its posts; undefined: none came yet. */
  feed: Omit<Feed, "items"> | undefined;
  isLoading: boolean;
  /** Why the latest page did not come; `more` asks for it once more. */
  error: RecsysError | undefined;
  hasMore: boolean;
  /** Asks for the next page, unless one is on its way or none is left. */
  more(): void;
  /** Asks for another feed, which takes the place of this one when it comes. */
  reload(): void;
  /** For an element below the last post: the next page is asked for while that is less than a screen away. In React Native a list calls `more`. */
  end: RefCallback<Element>;
}

interface Pages extends Pick<FeedPages, "items" | "feed" | "error" | "isLoading"> {}

const nothing: Pages = { items: [], feed: undefined, isLoading: true, error: undefined };
const firstPage = ({ items, ...feed }: Feed): Pages => ({
  items: shown(items, feed),
  feed,
  isLoading: false,
  error: undefined,
});
const shown = (items: FeedItem[], { request_id }: Pick<Feed, "request_id">) =>
  items.map((item) => ({ ...item, request_id }));

/**
 * The feed of whoever is signed in, page by page. Another request begins another feed; for another reader give the component their id as `key`.
 * `first` is the first page of this request, where a server has asked for it.
 */
export function useFeed(
  recommender: Recsys,
  request: Omit<FeedRequest, "after" | "count_since"> = {},
  first?: Feed,
): FeedPages {
  const [pages, setPages] = useState<Pages>(first ? firstPage(first) : nothing);
  const running = useRef<AbortController>(null);
  // objects that say the same are the same request, so it may be written where it is used
  const asked = JSON.stringify(request);

  const load = useCallback(
    async (after: string | null) => {
      running.current?.abort();
      const mine = new AbortController();
      running.current = mine;
      setPages((before) => ({ ...before, isLoading: true, error: undefined }));
      const change = (to: (before: Pages) => Partial<Pages>) => {
        // of several answers that of the latest question counts
        if (running.current === mine) setPages((before) => ({ ...before, isLoading: false, ...to(before) }));
      };
      try {
        const { items, ...feed } = await recommender.recommend(
          { ...JSON.parse(asked), after },
          { signal: mine.signal },
        );
        const page = shown(items, feed);
        change((before) => ({ feed, items: after === null ? page : [...before.items, ...page] }));
      } catch (error) {
        change(() => ({ error: error as RecsysError }));
      } finally {
        if (running.current === mine) running.current = null;
      }
    },
    [recommender, asked],
  );

  const [askedFirst] = useState(asked);
  useEffect(() => {
    const known = asked === askedFirst ? first : undefined;
    setPages(known ? firstPage(known) : nothing);
    if (!known) load(null);
    return () => {
      running.current?.abort();
      // nor does its end say anything of the feed that follows
      running.current = null;
    };
  }, [load, asked, askedFirst, first]);

  const { items, feed, isLoading, error } = pages;
  const next = feed?.next ?? null;
  const hasMore = feed === undefined || next !== null;
  const more = useCallback(() => {
    if (running.current === null && hasMore) load(next);
  }, [load, hasMore, next]);
  const reload = useCallback(() => void load(null), [load]);

  const observer = useRef<IntersectionObserver>(undefined);
  const isWaiting = next !== null && !isLoading && error === undefined;
  const end = useCallback(
    (element: Element | null) => {
      observer.current?.disconnect();
      // made again with each page, since an element that stays in view is told of once; what failed waits for a press
      if (element === null || !isWaiting) return;
      observer.current = viewObserver(([{ isIntersecting }]) => isIntersecting && more(), {
        rootMargin: "0px 0px 100% 0px",
      });
      observer.current?.observe(element);
    },
    [isWaiting, more],
  );
  return { items, feed, isLoading, error, hasMore, more, reload, end };
}

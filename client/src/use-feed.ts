import { type RefCallback, useCallback, useEffect, useRef, useState } from "react";
import { noPages, openPager, type Pager, type Pages, pagesFrom } from "./feed-pages.ts";
import type { Recsys } from "./index.ts";
import { viewObserver } from "./page.ts";
import type { Feed, FeedRequest } from "./types.ts";

/** The pages of a feed so far, and how to ask for more of them. */
export interface FeedPages extends Pages, Omit<Pager, "close"> {
  hasMore: boolean;
  /** For an element below the last post: the next page is asked for while that is less than a screen away. In React Native a list calls `more`. */
  nextRef: RefCallback<Element>;
  /** @deprecated `nextRef`, as the API names the next page. */
  end: RefCallback<Element>;
}

/**
 * The feed of the signed-in user, page by page. Another request begins another feed; for another reader give the
 * component their id as `key`. `first` is the first page of this request, where a server has asked for it.
 */
export function useFeed(
  recommender: Recsys,
  request: Omit<FeedRequest, "after" | "count_since"> = {},
  first?: Feed,
): FeedPages {
  const [pages, setPages] = useState<Pages>(first ? pagesFrom(first) : noPages);
  const pager = useRef<Pager>(null);
  // objects that say the same are the same request, so it may be written where it is used
  const asked = JSON.stringify(request);

  const [askedFirst] = useState(asked);
  useEffect(() => {
    const known = first && asked === askedFirst ? pagesFrom(first) : noPages;
    setPages(known);
    const opened = openPager(recommender, JSON.parse(asked), known, setPages);
    pager.current = opened;
    return opened.close;
  }, [recommender, asked, askedFirst, first]);

  const { feed, isLoading, error } = pages;
  const next = feed?.next ?? null;
  const hasMore = feed === undefined || next !== null;
  const more = useCallback(() => pager.current?.more(), []);
  const reload = useCallback(() => pager.current?.reload(), []);

  const observer = useRef<IntersectionObserver>(undefined);
  // the page to request next; none while a request is running, and a failed one waits for a click
  const waiting = isLoading || error ? null : next;
  const nextRef = useCallback(
    (element: Element | null) => {
      observer.current?.disconnect();
      // a new observer for each page, since it reports an element that stays in view only once
      if (element === null || waiting === null) return;
      observer.current = viewObserver(([{ isIntersecting }]) => isIntersecting && more(), {
        rootMargin: "0px 0px 100% 0px",
      });
      observer.current?.observe(element);
    },
    [waiting, more],
  );
  return { ...pages, hasMore, more, reload, nextRef, end: nextRef };
}

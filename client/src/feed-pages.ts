import type { RecsysError } from "./error.ts";
import type { Recsys } from "./index.ts";
import type { Feed, FeedItem, FeedRequest } from "./types.ts";

/** A post, and the feed that brought it. */
export interface ShownItem extends FeedItem {
  request_id: string;
}

/** The pages of one feed so far. */
export interface Pages {
  items: ShownItem[];
  /** The latest page without its posts; undefined: none came yet. */
  feed: Omit<Feed, "items"> | undefined;
  isLoading: boolean;
  /** Why the latest page did not come; `more` asks for it once more. */
  error: RecsysError | undefined;
}

/** Asks for the pages of one request, until it is closed. */
export interface Pager {
  /** Repeats the failed request, else requests the next page. Does nothing while a request is running or after the last page. */
  more(): void;
  /** Asks for another feed, which takes the place of this one when it comes. */
  reload(): void;
  close(): void;
}

/** Of a request without an answer yet. */
export const noPages: Pages = { items: [], feed: undefined, isLoading: true, error: undefined };

/** Pages of a feed whose first page has loaded. */
export function pagesFrom(first: Feed): Pages {
  return { ...latest(first), isLoading: false, error: undefined };
}

/** The answer of a page, and its posts as they are shown. */
function latest({ items, ...feed }: Feed): Pick<Pages, "items" | "feed"> {
  return { feed, items: items.map((item) => ({ ...item, request_id: feed.request_id })) };
}

/** Asks for the first page, unless it is known; `tell` gets the pages whenever they change. */
export function openPager(
  recommender: Pick<Recsys, "recommend" | "watch">,
  request: FeedRequest,
  known: Pages,
  tell: (pages: Pages) => void,
): Pager {
  let pages = known;
  let running: AbortController | undefined;
  /** The cursor of the page that did not come. */
  let failed: string | null = null;
  let isClosed = false;
  let wasOnline = true;

  function change(to: Partial<Pages>): void {
    pages = { ...pages, ...to };
    tell(pages);
  }

  async function load(after: string | null): Promise<void> {
    if (isClosed) return;
    running?.abort();
    const mine = new AbortController();
    running = mine;
    change({ isLoading: true, error: undefined });
    const answer = await recommender.recommend({ ...request, after }, { signal: mine.signal }).then(
      (feed) => {
        const { items, ...page } = latest(feed);
        return { ...page, items: after === null ? items : [...pages.items, ...items] };
      },
      (error: RecsysError) => ({ error }),
    );
    // of several answers that of the latest question counts
    if (running !== mine) return;
    running = undefined;
    failed = after;
    change({ ...answer, isLoading: false });
  }

  /** Repeats requests that failed offline. Never replaces a feed that is being read. */
  function onConnection({ isOnline }: { isOnline: boolean }): void {
    const isBack = isOnline && !wasOnline;
    wasOnline = isOnline;
    if (!isBack || pages.error?.code !== "unreachable") return;
    if (failed === null && pages.feed) change({ error: undefined });
    else load(failed);
  }

  const unwatch = recommender.watch(onConnection);
  if (known === noPages) load(null);
  return {
    more() {
      const next = pages.feed?.next ?? null;
      if (running) return;
      if (pages.error) load(failed);
      else if (!pages.feed || next !== null) load(next);
    },
    reload: () => void load(null),
    close() {
      isClosed = true;
      unwatch();
      running?.abort();
      // nor does its end say anything of the feed that follows
      running = undefined;
    },
  };
}

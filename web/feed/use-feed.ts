import { type MutableRef, useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { type Feed, RecsysError } from "../../client/src/index.ts";
import { openContext } from "../shared/context.ts";
import { useChanging, useParameter } from "../shared/hooks.ts";
import { useProject } from "../shared/project.ts";
import { type Act, followOf, voteOn } from "./actions.ts";
import { type AppPost, type Item, readFollows, readNames, readShownPosts, readVotes } from "./app-tables.ts";
import { changesBetween, type FeedChange } from "./feed-changes.ts";
import type { Names } from "./format.ts";
import { type ReaderDeeds, useDeeds } from "./use-post-actions.ts";

/** The first feed, the same again, or its next page. */
type Asked = "first" | "again" | "more";

interface State {
  /** The latest page without its posts; undefined: none came yet. */
  feed?: Omit<Feed, "items">;
  /** Milliseconds from the question to the answer. */
  took?: number;
  items: Item[];
  /** What the app knows of them, and of those of earlier feeds. */
  posts: ReadonlyMap<string, AppPost>;
  /** Of their authors, and of those whom reasons name. */
  names: Names;
  /** The feed before and what was done until this one; undefined: this is the first. */
  before?: { items: Item[]; acts: Act[] } | undefined;
  /** The one that every post has; undefined: all are shown. */
  tag?: string | undefined;
  busy: Asked | undefined;
  /** What went wrong with the latest question, and which that was. */
  error: unknown;
  asked: Asked;
  /** The tag that it was asked for. */
  askedTag?: string | undefined;
}

export interface FeedOf extends FeedReader, State, Omit<ReaderDeeds, "knowMarks" | "settle" | "forget"> {
  /** What moved since the feed before, and what was done in between; undefined: this is the first. */
  moved: { changes: FeedChange[]; acts: Act[] } | undefined;
  /** Where its reader was when they left it for another view. */
  place: MutableRef<ScrollPlace | undefined>;
  /** Asks for the feed again and compares. */
  refresh(): Promise<void>;
  /** Shows posts with this tag alone, as the address says from then on; undefined: all. */
  only(tag: string | undefined): void;
  /** Asks for the next page. */
  more(): Promise<void>;
  /** Asks once more what failed. */
  retry(): Promise<void>;
}

interface FeedReader {
  /** The signed-in user; undefined: a visitor. */
  userId?: string;
  /** Of a visitor. */
  interests?: string[];
}

const pageSize = 20;

/** The feed of the signed-in user, or a visitor's: its pages, its reader's actions, and their results. */
export function useReaderFeed({ userId, interests }: FeedReader): FeedOf {
  const { supabase, recommender } = useProject();
  const { knowMarks, settle, forget, ...deeds } = useDeeds(userId);
  const [wanted, only] = useParameter("tag");
  const { state, latest, change } = useChanging<State>({
    items: [],
    posts: new Map(),
    names: new Map(),
    busy: "first",
    asked: "first",
    error: undefined,
  });
  const place = useRef<ScrollPlace>();
  const turn = useRef(0);

  /** What the app knows of posts and of people, and what the reader did with these posts before. A feed without that is still a feed. */
  const know = useCallback(
    async (ids: string[], people: string[]) => {
      const [posts, voted, named] = await Promise.all([
        readShownPosts(supabase, ids, { names: !interests }).catch(() => new Map<string, AppPost>()),
        userId ? readVotes(supabase, ids).catch(() => []) : [],
        readNames(supabase, people).catch(() => new Map<string, string>()),
      ]);
      const authors = Array.from(posts.values(), ({ author_id, author }) => [author_id ?? "", author] as const);
      // whatever was asked since
      change((state) => ({
        posts: new Map([...state.posts, ...posts]),
        names: new Map([...state.names, ...authors, ...named]),
      }));
      knowMarks(new Map(voted.map((id) => [voteOn(id), true])));
    },
    [supabase, userId, interests, change, knowMarks],
  );

  useEffect(() => {
    if (!userId) return;
    // a feed without them is still a feed
    readFollows(supabase, userId).then(
      (follows) => knowMarks(new Map(follows.map(({ kind: of, value }) => [followOf({ of, value }), true]))),
      () => undefined,
    );
  }, [supabase, userId, knowMarks]);

  const load = useCallback(
    async (busy: Asked, tag: string | undefined) => {
      const mine = ++turn.current;
      /** Of several answers that of the latest question counts. */
      const changeIfLatest = (to: Partial<State>) => mine === turn.current && change(() => to);
      changeIfLatest({ busy, asked: busy, askedTag: tag, error: undefined });
      // a feed in place of another is made from what is stored by then
      const isAnother = busy !== "more" && latest.current.feed !== undefined;
      const { done, stored } = isAnother ? await settle() : { done: [], stored: [] };
      if (mine !== turn.current) return;
      const before = latest.current;
      const after = busy === "more" && before.feed?.next;
      try {
        const asked = performance.now();
        const request = {
          limit: pageSize,
          ...(after && { after }),
          ...(interests && { interests }),
          ...(tag !== undefined && { filter: { tags: [tag] } }),
        };
        const { items, ...feed } = await recommender.recommend(request);
        const page = items.map((item) => ({ ...item, request_id: feed.request_id, basis: feed.basis }));
        const came = { feed, took: performance.now() - asked, busy: undefined };
        if (mine !== turn.current) return;
        // titles and reasons first: the rest of the posts comes when it is there
        if (busy === "more") change(({ items }) => ({ ...came, items: [...items, ...page] }));
        else {
          const earlier = busy === "again" ? { items: before.items, acts: done } : undefined;
          change(() => ({ ...came, items: page, tag, before: earlier }));
          forget(stored);
        }
        const people = page.flatMap(({ why }) => (why.kind === "touched" ? why.people : []));
        await know(
          page.map(({ post_id }) => post_id).filter((id) => !before.posts.has(id)),
          [...new Set(people)].filter((id) => !before.names.has(id)),
        );
      } catch (error) {
        changeIfLatest({ busy: undefined, error });
      }
    },
    [recommender, interests, latest, change, settle, forget, know],
  );

  const again = useCallback(() => {
    const { feed, tag } = latest.current;
    return load(feed && tag === wanted ? "again" : "first", wanted);
  }, [load, latest, wanted]);
  useEffect(() => {
    again();
  }, [again]);

  const more = useCallback(() => load("more", latest.current.tag), [load, latest]);
  const retry = useCallback(() => load(latest.current.asked, latest.current.askedTag), [load, latest]);
  useEffect(() => {
    const onBack = () => {
      const { error, asked } = latest.current;
      if (error === undefined) return;
      // repeats requests that failed offline, but replaces the feed only on request
      if (asked !== "again") retry();
      else if (error instanceof RecsysError && error.code === "unreachable") change(() => ({ error: undefined }));
    };
    addEventListener("online", onBack);
    return () => removeEventListener("online", onBack);
  }, [retry, latest, change]);

  const { before, items, posts, names } = state;
  const moved = useMemo(
    () =>
      before && {
        acts: before.acts,
        changes: changesBetween(firstPage(before.items), firstPage(items), before.acts, posts, names),
      },
    [before, items, posts, names],
  );
  return { ...state, ...deeds, ...(userId && { userId }), moved, place, refresh: again, only, more, retry };
}

/** The feed that all views of a reader are about. */
export const [FeedProvider, useTheFeed] = openContext<FeedOf>("feed");

const firstPage = (items: Item[]) => items.slice(0, pageSize);

/** Where a reader is in a feed: a post, and how far below the top of the window. Pixels of the page would not do, as posts grow. */
export interface ScrollPlace {
  post_id: string;
  top: number;
}

/** Goes on where the reader left the feed for another view, and keeps that when they leave. */
export function usePlace(place: MutableRef<ScrollPlace | undefined>): void {
  useLayoutEffect(() => {
    const { current } = place;
    const post = current && document.getElementById(current.post_id);
    if (post) {
      scrollBy(0, post.getBoundingClientRect().top - current.top);
      post.querySelector<HTMLElement>("button.title")?.focus({ preventScroll: true });
    }
    return () => {
      place.current = placeNow();
    };
  }, [place]);
}

/** Of the first post of which something is in view; undefined: the reader is above all posts. */
function placeNow(): ScrollPlace | undefined {
  for (const post of document.querySelectorAll("li.post")) {
    const { top, bottom } = post.getBoundingClientRect();
    if (bottom > 0) return scrollY > 0 ? { post_id: post.id, top } : undefined;
  }
  return undefined;
}

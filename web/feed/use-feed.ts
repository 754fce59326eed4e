import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Feed } from "../../client/src/index.ts";
import { useProject } from "../shared/project.ts";
import { type Act, eventOf } from "./acts.ts";
import { type Change, changesBetween } from "./feed-changes.ts";
import type { Item } from "./item.ts";
import { type Post, readPosts } from "./posts/read-posts.ts";

/** The first feed, the same anew, or its next page. */
type Asked = "first" | "again" | "more";

interface State {
  /** The latest page without its posts; undefined: none came yet. */
  feed?: Omit<Feed, "items">;
  /** Milliseconds from the question to the answer. */
  took?: number;
  items: Item[];
  /** What the app knows of them, and of those of earlier feeds. */
  posts: ReadonlyMap<string, Post>;
  /** What was done since the feed was made. */
  acts: Act[];
  /** The feed before and what was done until this one; undefined: this is the first. */
  before?: { items: Item[]; acts: Act[] };
  busy: Asked | undefined;
  /** What went wrong with the latest question, and which that was. */
  error: unknown;
  asked: Asked;
}

export interface FeedOf extends State {
  /** What moved since the feed before, and what was done in between; undefined: this is the first. */
  moved: { changes: Change[]; acts: Act[] } | undefined;
  /** Asks for the feed anew and compares. */
  refresh(): Promise<void>;
  /** Asks for the next page. */
  more(): Promise<void>;
  /** Asks once more what failed. */
  retry(): Promise<void>;
  /** Tells the recommender what its reader did. Rejects where it is not stored. */
  act(...acts: Act[]): Promise<void>;
}

const pageSize = 20;

/** The feed of whoever is signed in, or with `interests` a visitor's: its pages, and what becomes of it. */
export function useFeed(interests?: string[]): FeedOf {
  const { supabase, recommender } = useProject();
  const [state, setState] = useState<State>({
    items: [],
    posts: new Map(),
    acts: [],
    busy: "first",
    asked: "first",
    error: undefined,
  });
  const latest = useRef(state);
  latest.current = state;
  const turn = useRef(0);

  const load = useCallback(
    async (busy: Asked) => {
      const mine = ++turn.current;
      const before = latest.current;
      const after = busy === "more" && before.feed?.next;
      /** Of several answers that of the latest question counts. */
      const change = (how: (state: State) => State) => mine === turn.current && setState(how);
      change((state) => ({ ...state, busy, asked: busy, error: undefined }));
      try {
        const asked = performance.now();
        const request = { limit: pageSize, ...(after && { after }), ...(interests && { interests }) };
        const { items, ...feed } = await recommender.recommend(request);
        const page = items.map((item) => ({ ...item, request_id: feed.request_id, basis: feed.basis }));
        const came = { feed, took: performance.now() - asked, busy: undefined };
        // titles and reasons first: the rest of the posts comes when it is there
        if (busy === "more") change((state) => ({ ...state, ...came, items: [...state.items, ...page] }));
        else
          change(({ before: _, ...state }) => ({
            ...state,
            ...came,
            items: page,
            acts: state.acts.filter((act) => !before.acts.includes(act)),
            ...(busy === "again" && { before: { items: before.items, acts: before.acts } }),
          }));
        const ids = page.map(({ post_id }) => post_id).filter((id) => !before.posts.has(id));
        // without them a feed is still a feed
        const read = await readPosts(supabase, ids, { names: !interests }).catch(() => new Map<string, Post>());
        // whatever was asked since
        setState((state) => ({ ...state, posts: new Map([...state.posts, ...read]) }));
      } catch (error) {
        change((state) => ({ ...state, busy: undefined, error }));
      }
    },
    [recommender, supabase, interests],
  );

  const again = useCallback(() => load(latest.current.feed ? "again" : "first"), [load]);
  useEffect(() => {
    again();
  }, [again]);

  const act = useCallback(
    async (...acts: Act[]) => {
      const events = acts.flatMap((act) => eventOf(act) ?? []);
      if (events.length > 0) {
        const report = await recommender.events(events);
        const refused = report.events.find(({ status }) => status === "refused");
        if (refused) throw new Error(refused.message);
      }
      setState((state) => ({ ...state, acts: [...state.acts, ...acts] }));
    },
    [recommender],
  );

  const more = useCallback(() => load("more"), [load]);
  const retry = useCallback(() => load(latest.current.asked), [load]);
  const { before, items, posts } = state;
  const moved = useMemo(
    () =>
      before && {
        acts: before.acts,
        changes: changesBetween(firstPage(before.items), firstPage(items), before.acts, posts),
      },
    [before, items, posts],
  );
  return { ...state, moved, refresh: again, more, retry, act };
}

const firstPage = (items: Item[]) => items.slice(0, pageSize);

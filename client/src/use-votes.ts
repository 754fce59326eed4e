import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Recsys } from "./index.ts";

/** 1: for a post. -1: against it. 0: neither. */
export type Vote = 1 | -1 | 0;

/** A user's votes, as their page shows them. */
export interface Votes {
  /** The vote on a post, one that is on its way included. */
  of(post_id: string): Vote;
  /** Votes: shown at once, kept until it is stored, and taken back where it is refused. The second click of a double click undoes nothing. */
  vote(post_id: string, value: Vote): void;
  /** Why the latest vote on a post was refused. */
  refusal(post_id: string): string | undefined;
}

interface Given {
  value: Vote;
  refusal?: string | undefined;
}

const none: ReadonlyMap<string, Vote> = new Map();

/** A click that would undo a vote within so many milliseconds is the second click of a double click. */
const doubleClick = 500;

/** Votes of the signed-in user. `stored`: the votes that the app has read from its own tables. */
export function useVotes(recommender: Recsys, stored: ReadonlyMap<string, Vote> = none): Votes {
  /** On this page. */
  const [given, setGiven] = useState<ReadonlyMap<string, Given>>(new Map());
  /** Before a reload, and not sent yet. */
  const [waiting, setWaiting] = useState(none);
  /** How many times the user voted on a post, and their latest vote that is stored. */
  const turns = useRef(new Map<string, number>());
  const kept = useRef(new Map<string, Vote>());
  /** Time of the last vote on a post, and the vote before it. */
  const clicks = useRef(new Map<string, { at: number; before: Vote }>());
  useEffect(
    () =>
      recommender.watch(({ unsent }) => {
        const votes = unsent.flatMap((event) =>
          event.type === "vote" && !turns.current.has(event.post_id) ? [[event.post_id, event.value] as const] : [],
        );
        // one that is sent meanwhile stays
        if (votes.length > 0) setWaiting((before) => new Map([...before, ...votes]));
      }),
    [recommender],
  );

  const before = useCallback((post_id: string) => waiting.get(post_id) ?? stored.get(post_id) ?? 0, [waiting, stored]);
  const of = useCallback((post_id: string) => given.get(post_id)?.value ?? before(post_id), [given, before]);
  const vote = useCallback(
    async (post_id: string, value: Vote) => {
      const [last, at] = [clicks.current.get(post_id), performance.now()];
      if (last?.before === value && at - last.at < doubleClick) return;
      clicks.current.set(post_id, { at, before: of(post_id) });
      const turn = (turns.current.get(post_id) ?? 0) + 1;
      turns.current.set(post_id, turn);
      const show = (shown: Given) => setGiven((all) => new Map([...all, [post_id, shown]]));
      show({ value });
      const { status, message } = await recommender.track({ type: "vote", post_id, value });
      if (status !== "refused") kept.current.set(post_id, value);
      // what was voted since then is newer
      else if (turns.current.get(post_id) === turn)
        show({ value: kept.current.get(post_id) ?? before(post_id), refusal: message });
    },
    [recommender, before, of],
  );
  const refusal = useCallback((post_id: string) => given.get(post_id)?.refusal, [given]);
  return useMemo(() => ({ of, vote, refusal }), [of, vote, refusal]);
}

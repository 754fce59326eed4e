import { useCallback, useEffect, useMemo } from "preact/hooks";
import { useChanging } from "../shared/hooks.ts";
import { useProject } from "../shared/project.ts";
import { type Act, type Marks, markOf, marksOf, netOf, sendActs, settleActs, withActs } from "./actions.ts";

/** What was not stored, and why. */
interface FailedDeed {
  error: unknown;
  acts: Act[];
}

interface State {
  /** As stored, as far as it is known here. */
  marks: Marks;
  /** What was done and stored since the feed was made. */
  stored: readonly Act[];
  /** What is on its way, in the order in which it was done. */
  pending: readonly Act[];
  failures: ReadonlyMap<string, FailedDeed>;
  /** The posts that are open. */
  opened: ReadonlySet<string>;
}

export interface ReaderDeeds extends Pick<State, "pending" | "failures" | "opened"> {
  /** Votes, dismissals, mutes and follows, those on their way among them. */
  marks: Marks;
  /** What was done since the feed was made and makes a difference to the next one. */
  acts: Act[];
  /** Does something: it is shown at once, and taken back with a failure where it is not stored. Whether this call stored it. */
  act(...acts: Act[]): Promise<boolean>;
  toggle(post_id: string): void;
  /** Adds votes and follows that were read; what was done on this page is newer. */
  knowMarks(read: Marks): void;
  /** Waits a while for what is on its way; what was done until then, and what of it is stored. */
  settle(): Promise<{ done: Act[]; stored: readonly Act[] }>;
  /** Another feed is made, which knows of these. */
  forget(known: readonly Act[]): void;
}

const patienceMilliseconds = 5000;

/** Where the page says that something was not stored. */
function placeOf(act: Act): string {
  if (act.kind === "comment") return `comment ${act.post_id}`;
  const [mark] = "of" in act ? (markOf(act) ?? []) : [];
  if (mark !== undefined) return mark;
  return "post_id" in act && act.kind !== "seen" ? act.post_id : act.kind;
}

/** What its reader does with a feed. It outlives the views, so that none of it is forgotten when they look at another. */
export function useDeeds(userId: string | undefined): ReaderDeeds {
  const project = useProject();
  const { state, latest, change } = useChanging<State>({
    marks: new Map(),
    stored: [],
    pending: [],
    failures: new Map(),
    opened: new Set(),
  });

  const act = useCallback(
    async (...acts: Act[]) => {
      const { marks, pending } = latest.current;
      const shown = withActs(marks, pending);
      const isNew = acts.filter((act) => !isDone(act, shown, pending));
      if (!userId || isNew.length === 0) return false;
      const place = placeOf(isNew[0]);
      change(({ pending, failures }) => ({ pending: [...pending, ...isNew], failures: without(failures, place) }));
      const rest = ({ pending }: State) => pending.filter((act) => !isNew.includes(act));
      try {
        await sendActs(project, userId, isNew);
        change((state) => ({
          pending: rest(state),
          marks: withActs(state.marks, isNew),
          stored: [...state.stored, ...isNew],
        }));
        return true;
      } catch (error) {
        // a view that is not noted is no matter of the reader
        const failure: [string, FailedDeed][] = isNew[0].kind === "view" ? [] : [[place, { error, acts: isNew }]];
        change((state) => ({ pending: rest(state), failures: new Map([...state.failures, ...failure]) }));
        return false;
      }
    },
    [project, userId, latest, change],
  );

  const toggle = useCallback(
    (post_id: string) =>
      change(({ opened }) => ({
        opened: new Set(opened.has(post_id) ? [...opened].filter((id) => id !== post_id) : [...opened, post_id]),
      })),
    [change],
  );

  const knowMarks = useCallback(
    (read: Marks) => change(({ marks }) => ({ marks: new Map([...read, ...marks]) })),
    [change],
  );

  const { recommender } = project;
  useEffect(
    () =>
      recommender.watch(({ unsent }) => {
        const { stored, pending } = latest.current;
        // actions of an earlier page; those of this one are known better by its own acts
        if (stored.length + pending.length === 0) knowMarks(marksOf(unsent));
      }),
    [recommender, latest, knowMarks],
  );

  const settle = useCallback(async () => {
    await Promise.race([settleActs(project), pause(patienceMilliseconds)]);
    // what was answered comes into the state a moment later
    await pause(0);
    const { stored, pending } = latest.current;
    return { done: netOf([...stored, ...pending]), stored };
  }, [project, latest]);

  const forget = useCallback(
    (known: readonly Act[]) => change(({ stored }) => ({ stored: stored.filter((act) => !known.includes(act)) })),
    [change],
  );

  const marks = useMemo(() => withActs(state.marks, state.pending), [state.marks, state.pending]);
  const acts = useMemo(() => netOf([...state.stored, ...state.pending]), [state.stored, state.pending]);
  const { pending, failures, opened } = state;
  return { marks, acts, pending, failures, opened, act, toggle, knowMarks, settle, forget };
}

const pause = (milliseconds: number) => new Promise((over) => setTimeout(over, milliseconds));

/** Whether nothing would change, however often its button is pressed. */
function isDone(act: Act, marks: Marks, pending: readonly Act[]): boolean {
  const [key, isSet] = markOf(act) ?? [];
  if (key !== undefined) return marks.get(key) === isSet;
  return act.kind === "comment" && pending.some((other) => other.kind === "comment" && other.id === act.id);
}

function without<Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> {
  return new Map([...map].filter(([each]) => each !== key));
}

import type { SupabaseClient } from "@supabase/supabase-js";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** What is loaded, or why not; neither: it is on its way. */
export interface Loaded<Value> {
  value?: Value;
  error?: unknown;
  again(): void;
}

/** Loads when the component comes and whenever one of `inputs` changes; of several answers the latest question's counts. */
export function useLoaded<Value>(load: () => Promise<Value>, inputs: readonly unknown[]): Loaded<Value> {
  const [state, setState] = useState<{ value?: Value; error?: unknown }>({});
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let isLatest = true;
    setState(({ value }) => (value === undefined ? {} : { value }));
    load().then(
      (value) => isLatest && setState({ value }),
      (error) => isLatest && setState({ error }),
    );
    return () => {
      isLatest = false;
    };
  }, [...inputs, tries]);
  const again = useCallback(() => setTries((n) => n + 1), []);
  return { ...state, again };
}

/** State whose latest value is known at once, before the next render: two presses in one instant see each other. */
export function useChanging<State extends object>(
  initial: State,
): {
  state: State;
  latest: { readonly current: State };
  /** Changes what of the state it is given. */
  change(how: (state: State) => Partial<State>): void;
} {
  const [state, setState] = useState(initial);
  const latest = useRef(state);
  const change = useCallback((how: (state: State) => Partial<State>) => {
    latest.current = { ...latest.current, ...how(latest.current) };
    setState(latest.current);
  }, []);
  return { state, latest, change };
}

/** Does one thing at a time, however often it is asked for; what went wrong with the latest is kept to be shown. */
export function useOnce(): { busy: boolean; error: unknown; once(work: () => Promise<unknown>): Promise<void> } {
  const [state, setState] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  const isBusy = useRef(false);
  const once = useCallback(async (work: () => Promise<unknown>) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState({ busy: true });
    try {
      await work();
      setState({ busy: false });
    } catch (error) {
      setState({ busy: false, error });
    }
    isBusy.current = false;
  }, []);
  return { busy: state.busy, error: state.error, once };
}

type Change<Value> = Value | ((latest: Value) => Value);

/**
 * State that outlives a view and a reload, under a name in this browser; all who use one name see the same. `initial` itself is not kept,
 * so nothing is left of what was set back to it. A broken or forbidden storage is an empty one.
 */
export function useStored<Value extends object | string | null>(
  name: string,
  initial: Value,
): [Value, (change: Change<Value>) => void] {
  const [value, setValue] = useState<Value>(() => read(name) ?? initial);
  const latest = useRef(value);
  latest.current = value;
  useLayoutEffect(() => {
    const onChange = ({ detail }: CustomEventInit<{ name: string; value: Value }>) => {
      if (detail?.name !== name) return;
      latest.current = detail.value;
      setValue(detail.value);
    };
    addEventListener("stored", onChange);
    return () => removeEventListener("stored", onChange);
  }, [name]);
  return [
    value,
    (change) => {
      // the component that changes it may be gone from the page, and another have changed it since
      const kept = read(name);
      const before = kept === undefined ? latest.current : (kept ?? initial);
      const next = typeof change === "function" ? change(before) : change;
      keep(name, next === initial ? null : next);
      setValue(next);
      dispatchEvent(new CustomEvent("stored", { detail: { name, value: next } }));
    },
  ];
}

/** null: nothing is kept; undefined: nothing can be. */
function read(name: string) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null");
  } catch {
    return undefined;
  }
}

function keep(name: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // until the page is closed
  }
}

/** What stands behind # in the address, which a page chooses its view by; links are `#name`. */
export function useRoute(): string {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const onChange = () => setRoute(current());
    addEventListener("hashchange", onChange);
    // it may have changed before there was a listener
    onChange();
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return route;
}

export function go(route: string): void {
  location.hash = route;
}

/**
 * A parameter in the query of the address, which outlives a reload and goes by back and forward; undefined: it is not there. A change of it is a step
 * of the history.
 */
export function useParameter(name: string): [string | undefined, (value: string | undefined) => void] {
  const [value, setValue] = useState(() => parameter(name));
  useEffect(() => {
    const onChange = () => setValue(parameter(name));
    addEventListener("popstate", onChange);
    return () => removeEventListener("popstate", onChange);
  }, [name]);
  const change = useCallback(
    (next: string | undefined) => {
      if (next === parameter(name)) return;
      const address = new URL(location.href);
      if (next === undefined) address.searchParams.delete(name);
      else address.searchParams.set(name, next);
      history.pushState(null, "", address);
      setValue(next);
    },
    [name],
  );
  return [value, change];
}

const parameter = (name: string) => new URLSearchParams(location.search).get(name) || undefined;

/** Goes to a route once a long task is over, unless the user has followed a link meanwhile. */
export function goFromHere(): (route: string) => void {
  const { hash } = location;
  return (route) => {
    if (location.hash === hash) go(route);
  };
}

const current = () => location.hash.slice(1);

export interface SignedIn {
  userId: string;
}

/**
 * The signed-in user; null: none; undefined: not known yet. Changes with every sign-in and sign-out, in other tabs
 * too.
 */
export function useSession(supabase: SupabaseClient): SignedIn | null | undefined {
  const [session, setSession] = useState<SignedIn | null>();
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_, session) =>
      setSession((before) => {
        if (!session) return null;
        const { id } = session.user;
        // a renewed token is no other person
        return before?.userId === id ? before : { userId: id };
      }),
    );
    return () => data.subscription.unsubscribe();
  }, [supabase]);
  return session;
}

import { useCallback, useRef, useState } from "preact/hooks";

/** State whose latest value is known at once, before the next render: two presses in one instant see each other. */
export function useChanging<State>(initial: State): {
  state: State;
  latest: { readonly current: State };
  change(how: (state: State) => State): void;
} {
  const [state, setState] = useState(initial);
  const latest = useRef(state);
  const change = useCallback((how: (state: State) => State) => {
    latest.current = how(latest.current);
    setState(latest.current);
  }, []);
  return { state, latest, change };
}

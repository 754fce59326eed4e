import { useCallback, useEffect, useState } from "preact/hooks";

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

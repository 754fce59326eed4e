import { useCallback, useRef, useState } from "preact/hooks";

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

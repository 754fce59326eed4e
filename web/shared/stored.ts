import { useLayoutEffect, useRef, useState } from "preact/hooks";

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
      // whoever changes it may be gone from the page, and another have changed it since
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

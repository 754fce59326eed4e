import { useState } from "preact/hooks";

/** State that outlives a reload, under a name in this browser. A broken or forbidden storage is an empty one. */
export function useStored<Value>(name: string, initial: Value): [Value, (value: Value) => void] {
  const [value, setValue] = useState<Value>(() => {
    try {
      return JSON.parse(localStorage.getItem(name) ?? "null") ?? initial;
    } catch {
      return initial;
    }
  });
  return [
    value,
    (next) => {
      setValue(next);
      try {
        localStorage.setItem(name, JSON.stringify(next));
      } catch {
        // kept until the page is closed
      }
    },
  ];
}

import { useEffect, useState } from "preact/hooks";

/**
 * State that outlives a view and a reload, under a name in this browser; all who use one name see the same. `initial` itself is not kept,
 * so nothing is left of what was set back to it. A broken or forbidden storage is an empty one.
 */
export function useStored<Value>(name: string, initial: Value): [Value, (value: Value) => void] {
  const [value, setValue] = useState<Value>(() => read(name) ?? initial);
  useEffect(() => {
    const onChange = ({ detail }: CustomEventInit<{ name: string; value: Value }>) => {
      if (detail?.name === name) setValue(detail.value);
    };
    addEventListener("stored", onChange);
    return () => removeEventListener("stored", onChange);
  }, [name]);
  return [
    value,
    (next) => {
      setValue(next);
      try {
        if (next === initial) localStorage.removeItem(name);
        else localStorage.setItem(name, JSON.stringify(next));
      } catch {
        // kept until the page is closed
      }
      // whoever wrote may be gone from the page, and another be there by now
      dispatchEvent(new CustomEvent("stored", { detail: { name, value: next } }));
    },
  ];
}

function read(name: string) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

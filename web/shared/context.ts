import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** Something that all components below its provider may use; asked for elsewhere, it throws. */
export function openContext<Value>(what: string) {
  const context = createContext<Value | undefined>(undefined);
  const use = (): Value => {
    const value = useContext(context);
    if (value === undefined) throw new Error(`there is no ${what} above this component`);
    return value;
  };
  return [context.Provider, use] as const;
}

import { useEffect, useState } from "preact/hooks";

/** What stands behind # in the address, which a page chooses its view by; links are `#name`. */
export function useRoute(): string {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const onChange = () => setRoute(current());
    addEventListener("hashchange", onChange);
    // it may have changed before anybody listened
    onChange();
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return route;
}

/** Goes to a view. */
export function go(route: string): void {
  location.hash = route;
}

const current = () => location.hash.slice(1);
